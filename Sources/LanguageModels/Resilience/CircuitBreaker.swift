import Synchronization

/// Leaves a provider alone that fails again and again, so that turns fail at once instead of queueing up behind it, and
/// so that it can recover.
///
/// Closed at first: calls are let through. So many retriable failures in a row open it: for a while, no call is let
/// through. Then a single one is, as a probe, and decides: its success closes the breaker, its failure opens it again
/// for twice as long. Calls that were cancelled, and those that could never have succeeded, count neither way.
///
/// One breaker stands before one provider, whatever number of models of it are asked. Safe to use from any task.
public final class CircuitBreaker: Sendable {
    /// When a breaker opens, and for how long.
    public struct Limits: Sendable, Hashable {
        /// How many failures in a row open it. At least 1.
        public let failures: Int
        /// How long it stays open at first. A provider that asks for a longer pause gets it, up to ``maximumCooldown``.
        public let cooldown: Duration
        /// How long it stays open at most, however often the probes fail and whatever the provider asks for.
        public let maximumCooldown: Duration

        /// Makes limits. What contradicts them is moved to the nearest that does not.
        ///
        /// - Parameters:
        ///   - failures: how many failures in a row open the breaker.
        ///   - cooldown: how long it stays open at first.
        ///   - maximumCooldown: how long it stays open at most; no less than `cooldown`.
        public init(
            failures: Int = 5, cooldown: Duration = .seconds(30), maximumCooldown: Duration = .seconds(300)
        ) {
            self.failures = max(failures, 1)
            self.cooldown = max(cooldown, .zero)
            self.maximumCooldown = max(maximumCooldown, self.cooldown)
        }
    }

    /// What becomes of a call that begins now.
    public enum Status: Sendable, Hashable {
        /// It is let through.
        case closed
        /// It is refused, if it begins before that time; the first one after it is let through as a probe.
        case open(until: ContinuousClock.Instant)
        /// It is refused: the provider is being probed by another one.
        case probing
    }

    /// The provider's name, for messages.
    public let provider: String
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state: Mutex<CircuitBreakerState>

    /// Makes a closed breaker.
    ///
    /// - Parameters:
    ///   - provider: the provider's name, for messages.
    ///   - limits: when it opens, and for how long.
    ///   - now: the time, which never goes back.
    public init(
        provider: String, limits: Limits = Limits(),
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.provider = provider
        self.now = now
        state = Mutex(CircuitBreakerState(limits))
    }

    /// What becomes of a call that begins now. Reading it changes nothing.
    public var status: Status {
        switch state.withLock({ $0.phase }) {
        case .closed: .closed
        case .open(let until, _): .open(until: until)
        case .probing: .probing
        }
    }

    /// Whether the provider counts as failing, so that calls of it are refused or used as probes.
    public var isOpen: Bool { status != .closed }

    /// Lets a call through, whose end has to be reported to ``settle(_:as:)``.
    /// - Throws: ``ModelError`` for a call that is refused.
    package func admit() throws(ModelError) -> CircuitBreakerState.Call {
        let now = now()
        switch state.withLock({ $0.admit(at: now) }) {
        case .call(let call): return call
        case .refuse(let until?):
            // Whole seconds: finer than that, the number would only look exact.
            let seconds = max(now.duration(to: until).components.seconds, 0) + 1
            throw ModelError(
                .overloaded,
                "the provider \(provider) failed repeatedly and is not asked until \(seconds) s from now",
                retryAfter: now.duration(to: until))
        case .refuse(nil):
            throw ModelError(
                .overloaded,
                "the provider \(provider) failed repeatedly and is not asked until a call that is on its way succeeds")
        }
    }

    /// Reports how a call ended that was let through.
    package func settle(_ call: CircuitBreakerState.Call, as outcome: CircuitBreakerState.Outcome) {
        let now = now()
        state.withLock { $0.settle(call, as: outcome, at: now) }
    }
}
