/// What is known of a provider from how calls of it ended, and what follows for the next call.
///
/// A value without a clock or a lock. Calls that began before the latest change of its phase say nothing about the new
/// one, and are passed over when they end.
package struct CircuitBreakerState: Sendable, Hashable {
    package typealias Instant = ContinuousClock.Instant

    package enum Phase: Sendable, Hashable {
        /// Calls are let through; so many failed in a row.
        case closed(failures: Int)
        /// Nothing is let through before that time, and then a single call, the probe. `cooldown` is what the pause was
        /// reckoned from.
        case open(until: Instant, cooldown: Duration)
        /// The probe is on its way, and nothing else is let through.
        case probing(cooldown: Duration)
    }

    /// A call that was let through.
    package struct Call: Sendable, Hashable {
        fileprivate let era: Int
    }

    package enum Decision: Sendable, Hashable {
        case call(Call)
        /// `until`: when a probe may be made; `nil` while one is on its way.
        case refuse(until: Instant?)
    }

    package enum Outcome: Sendable, Hashable {
        case succeeded
        /// The provider failed in a way that may pass, and asked to be left alone for so long, if it did.
        case failed(retryAfter: Duration?)
        /// The call says nothing about the provider: it was cancelled, or could never have succeeded.
        case undecided
    }

    package private(set) var phase = Phase.closed(failures: 0) {
        didSet { if !phase.isSameEra(as: oldValue) { era += 1 } }
    }
    private let limits: CircuitBreaker.Limits
    private var era = 0

    package init(_ limits: CircuitBreaker.Limits) {
        self.limits = limits
    }

    /// Decides about a call that is to begin now.
    package mutating func admit(at now: Instant) -> Decision {
        switch phase {
        case .closed: break
        case .open(let until, let cooldown):
            guard now >= until else { return .refuse(until: until) }
            phase = .probing(cooldown: cooldown)
        case .probing: return .refuse(until: nil)
        }
        return .call(Call(era: era))
    }

    /// Takes note of how a call ended. To be called once for each call.
    package mutating func settle(_ call: Call, as outcome: Outcome, at now: Instant) {
        guard call.era == era else { return }
        switch (phase, outcome) {
        case (.closed, .succeeded), (.probing, .succeeded): phase = .closed(failures: 0)
        case (.closed, .undecided), (.open, _): break
        case (.closed(let failures), .failed(let retryAfter)):
            phase = .closed(failures: failures + 1)
            if failures + 1 >= limits.failures { open(for: limits.cooldown, atLeast: retryAfter, at: now) }
        case (.probing(let cooldown), .failed(let retryAfter)):
            open(for: min(cooldown + cooldown, limits.maximumCooldown), atLeast: retryAfter, at: now)
        case (.probing(let cooldown), .undecided):
            phase = .open(until: now, cooldown: cooldown)
        }
    }

    private mutating func open(for cooldown: Duration, atLeast retryAfter: Duration?, at now: Instant) {
        let pause = max(cooldown, min(retryAfter ?? .zero, limits.maximumCooldown))
        phase = .open(until: now + pause, cooldown: cooldown)
    }
}

extension CircuitBreakerState.Phase {
    /// Whether both are the same phase, apart from what was counted in it.
    fileprivate func isSameEra(as other: Self) -> Bool {
        switch (self, other) {
        case (.closed, .closed): true
        default: false
        }
    }
}
