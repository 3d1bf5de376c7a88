import Dispatch
import Synchronization

/// The writes between the tasks that ask for them and the one thread that does them.
final class CommitQueue: Sendable {
    private enum State {
        case open([QueuedWrite])
        /// Nothing more comes in; what is left is still to be done.
        case closed([QueuedWrite])
    }

    private let state = Mutex(State.open([]))
    private let arrival = DispatchSemaphore(value: 0)

    /// How many writes wait.
    var count: Int {
        state.withLock { state in
            switch state {
            case .open(let writes), .closed(let writes): writes.count
            }
        }
    }

    /// False if the queue is closed.
    func append(_ write: QueuedWrite) -> Bool {
        enum Outcome { case refused, wake, noted }
        let outcome = state.withLock { state in
            guard case .open(var writes) = state else { return Outcome.refused }
            // Otherwise the append below would copy the array, which the state still holds.
            state = .open([])
            writes.append(write)
            let isFirst = writes.count == 1
            state = .open(writes)
            return isFirst ? .wake : .noted
        }
        if outcome == .wake { arrival.signal() }
        return outcome != .refused
    }

    func close() {
        state.withLock { state in
            if case .open(let writes) = state { state = .closed(writes) }
        }
        arrival.signal()
    }

    /// Blocks the calling thread until there is something to do, and takes all of it, up to `limit`. Nil once the queue
    /// is closed and empty.
    func next(limit: Int) -> [QueuedWrite]? {
        while true {
            let taken: [QueuedWrite]?? = state.withLock { state in
                switch state {
                case .open(let writes) where writes.isEmpty:
                    return .none
                case .closed(let writes) where writes.isEmpty:
                    return .some(nil)
                case .open(let writes):
                    state = .open(Array(writes.dropFirst(limit)))
                    return Array(writes.prefix(limit))
                case .closed(let writes):
                    state = .closed(Array(writes.dropFirst(limit)))
                    return Array(writes.prefix(limit))
                }
            }
            if let taken { return taken }
            arrival.wait()
        }
    }
}
