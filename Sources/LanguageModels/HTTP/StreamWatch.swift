import Synchronization

/// Watches how long a provider keeps an answer waiting.
///
/// Time counts only while the provider is waited for, not while what it has sent is being passed on.
final class StreamWatch: Sendable {
    private enum Phase {
        /// Nothing has come yet that belongs to the answer.
        case opening(ContinuousClock.Instant)
        case flowing
        /// The answer is complete; only the stream's end is missing.
        case ending(ContinuousClock.Instant)
    }

    private struct State {
        var phase: Phase
        var deadline: ContinuousClock.Instant?
    }

    private let timeouts: ModelTimeouts
    private let state: Mutex<State>

    init(_ timeouts: ModelTimeouts) {
        self.timeouts = timeouts
        let deadline = ContinuousClock.now.advanced(by: timeouts.firstToken)
        state = Mutex(State(phase: .opening(deadline), deadline: deadline))
    }

    /// The provider is waited for from now on.
    func resume() {
        state.withLock { state in
            state.deadline =
                switch state.phase {
                case .opening(let deadline), .ending(let deadline): deadline
                case .flowing: ContinuousClock.now.advanced(by: timeouts.idle)
                }
        }
    }

    /// The provider is not waited for.
    func pause() {
        state.withLock { $0.deadline = nil }
    }

    /// The answer has begun.
    func answerBegan() {
        state.withLock { state in
            if case .opening = state.phase { state.phase = .flowing }
        }
    }

    /// The answer is complete, so that its stream has to end within a while.
    func expectEnd(within duration: Duration) {
        state.withLock { state in
            let deadline = ContinuousClock.now.advanced(by: duration)
            state.phase = .ending(deadline)
            if state.deadline != nil { state.deadline = deadline }
        }
    }

    /// Returns what is to be said of the provider once it has taken too long.
    /// - Throws: `CancellationError`.
    func overdue() async throws -> String {
        while true {
            let (deadline, phase) = state.withLock { ($0.deadline, $0.phase) }
            let now = ContinuousClock.now
            guard let deadline, deadline <= now else {
                // Looked at again after a while, as the deadline may have come nearer by then.
                let longest = now.advanced(by: .seconds(1))
                try await Task.sleep(until: min(deadline ?? longest, longest), clock: .continuous)
                continue
            }
            switch phase {
            case .opening: return "did not begin its answer within \(Quantity.text(of: timeouts.firstToken))"
            case .flowing: return "sent nothing for \(Quantity.text(of: timeouts.idle)) in the middle of its answer"
            case .ending: return "did not end its answer"
            }
        }
    }
}
