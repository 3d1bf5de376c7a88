internal import Synchronization

/// Waits for something that ends by itself, and not longer than this.
///
/// At the deadline the work is cancelled and not waited for any more: work that does not heed that keeps no test waiting.
/// - Throws: `NeverHappened` at the deadline, and what the work throws.
package func within<Value: Sendable>(
    _ timeout: Duration, fileID: String = #fileID, line: Int = #line,
    _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let race = Race<Value>()
    let working = Task {
        do {
            race.end(.success(try await work()))
        } catch {
            race.end(.failure(error))
        }
    }
    let timer = Task {
        try await Task.sleep(for: timeout)
        race.end(.failure(NeverHappened(timeout: timeout, location: "\(fileID):\(line)")))
    }
    defer {
        working.cancel()
        timer.cancel()
    }
    return try await withCheckedThrowingContinuation { race.wait($0) }
}

/// The first of two results, for one who waits.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case open
        case waiting(CheckedContinuation<Value, any Error>)
        case ended(Result<Value, any Error>)
        case over
    }

    private let state = Mutex(State.open)

    func wait(_ continuation: CheckedContinuation<Value, any Error>) {
        let result = state.withLock { state -> Result<Value, any Error>? in
            if case .ended(let result) = state {
                state = .over
                return result
            }
            state = .waiting(continuation)
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    func end(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state {
            case .open: state = .ended(result)
            case .waiting(let continuation):
                state = .over
                return continuation
            case .ended, .over: break
            }
            return nil
        }
        waiting?.resume(with: result)
    }
}
