import Synchronization

/// The first of several ends of a piece of work.
final class Race<Value: Sendable>: Sendable {
    private enum State {
        case open(CheckedContinuation<Value, any Error>?)
        case finished(Result<Value, any Error>)
    }

    private let state = Mutex(State.open(nil))

    var isOpen: Bool {
        state.withLock { if case .open = $0 { true } else { false } }
    }

    func finish(_ result: Result<Value, any Error>) {
        let waiter = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            guard case .open(let waiter) = state else { return nil }
            state = .finished(result)
            return waiter
        }
        waiter?.resume(with: result)
    }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let known = state.withLock { state -> Result<Value, any Error>? in
                if case .finished(let result) = state { return result }
                state = .open(continuation)
                return nil
            }
            if let known { continuation.resume(with: known) }
        }
    }
}
