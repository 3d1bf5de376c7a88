import Synchronization

/// Hands values from one task to another, one by one: whoever gives one waits until it is taken.
///
/// One task sends and one receives. Any task may end it.
final class HandOver<Element: Sendable>: Sendable {
    private enum State {
        case idle
        case offered(Element, CheckedContinuation<Void, Never>)
        case awaited(CheckedContinuation<Element?, any Error>)
        /// Nothing comes after this; the error is told once.
        case ended((any Error)?)
    }

    private let state = Mutex(State.idle)

    /// Gives a value, and waits until it is taken.
    /// - Throws: `CancellationError` if nobody takes any more.
    func send(_ element: Element) async throws {
        await withCheckedContinuation { sender in
            let action: () -> Void = state.withLock { state in
                switch state {
                case .awaited(let receiver):
                    state = .idle
                    return {
                        receiver.resume(returning: element)
                        sender.resume()
                    }
                case .idle:
                    state = .offered(element, sender)
                    return {}
                case .offered, .ended: return { sender.resume() }
                }
            }
            action()
        }
        try state.withLock { state in
            if case .ended = state { throw CancellationError() }
        }
    }

    /// Takes the next value; `nil` after the last.
    /// - Throws: what the sender's side ended with.
    func next() async throws -> Element? {
        try await withCheckedThrowingContinuation { receiver in
            let action: () -> Void = state.withLock { state in
                switch state {
                case .offered(let element, let sender):
                    state = .idle
                    return {
                        sender.resume()
                        receiver.resume(returning: element)
                    }
                case .idle, .awaited:
                    state = .awaited(receiver)
                    return {}
                case .ended(let error):
                    state = .ended(nil)
                    return {
                        if let error { receiver.resume(throwing: error) } else { receiver.resume(returning: nil) }
                    }
                }
            }
            action()
        }
    }

    /// Nothing more comes, and nobody is waited for. Only the first end counts.
    func end(_ error: (any Error)? = nil) {
        let action: () -> Void = state.withLock { state in
            switch state {
            case .idle:
                state = .ended(error)
                return {}
            case .offered(_, let sender):
                state = .ended(error)
                return { sender.resume() }
            case .awaited(let receiver):
                state = .ended(nil)
                return {
                    if let error { receiver.resume(throwing: error) } else { receiver.resume(returning: nil) }
                }
            case .ended: return {}
            }
        }
        action()
    }
}
