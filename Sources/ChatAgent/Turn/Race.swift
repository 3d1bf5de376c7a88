import Synchronization

/// The first of several ends of a piece of work.
final class Race<Value: Sendable, Failure: Error>: Sendable {
    private enum State {
        case open(CheckedContinuation<Result<Value, Failure>, Never>?)
        case finished(Result<Value, Failure>)
    }

    private let state = Mutex(State.open(nil))

    var isOpen: Bool {
        state.withLock { if case .open = $0 { true } else { false } }
    }

    /// - Returns: whether this is the first end.
    @discardableResult
    func finish(_ result: Result<Value, Failure>) -> Bool {
        let (isFirst, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Result<Value, Failure>, Never>?) in
            guard case .open(let waiter) = state else { return (false, nil) }
            state = .finished(result)
            return (true, waiter)
        }
        waiter?.resume(returning: result)
        return isFirst
    }

    func value() async throws(Failure) -> Value {
        let result = await withCheckedContinuation { continuation in
            let known = state.withLock { state -> Result<Value, Failure>? in
                if case .finished(let result) = state { return result }
                state = .open(continuation)
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
        return try result.get()
    }
}
