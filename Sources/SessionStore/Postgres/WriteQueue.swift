import Dispatch
import Synchronization

/// A write that waits for its group.
struct WaitingWrite: Sendable {
    enum Work: Sendable {
        /// A conditional write to one session, which shares a transaction with others.
        case grouped(SessionWrite, answer: @Sendable (WriteResult) -> Void)
        /// A transaction of its own, which returns what to call once it is committed.
        case alone(@Sendable (PostgresTransaction) throws -> @Sendable () -> Void)
    }

    let work: Work
    /// Until when it may wait for a server that is away.
    let deadline: ContinuousClock.Instant
    /// Called instead of the answer if the write could not be committed, or nobody knows.
    let fail: @Sendable (any Error) -> Void

    var isAlone: Bool {
        if case .alone = work { true } else { false }
    }
}

/// The writes between the tasks that ask for them and the one thread that does them.
final class WriteQueue: Sendable {
    private static let largestGroup = 256
    /// The bodies of a group are in memory several times over, here and in the server.
    private static let largestBytes = 8 << 20

    private struct State {
        var writes: [WaitingWrite] = []
        /// Nothing more comes in; what is left is still to be done.
        var isClosed = false
    }

    private let state = Mutex(State())
    private let arrival = DispatchSemaphore(value: 0)

    var count: Int { state.withLock { $0.writes.count } }

    /// False if the queue is closed.
    func append(_ write: WaitingWrite) -> Bool {
        enum Outcome { case refused, wake, noted }
        let outcome = state.withLock { state in
            guard !state.isClosed else { return Outcome.refused }
            state.writes.append(write)
            return state.writes.count == 1 ? .wake : .noted
        }
        if outcome == .wake { arrival.signal() }
        return outcome != .refused
    }

    func close() {
        state.withLock { $0.isClosed = true }
        arrival.signal()
    }

    /// Blocks the calling thread until there is something to do. Nil once the queue is closed and empty.
    ///
    /// A write that goes alone is taken alone. A group holds no session twice: its writes are judged by what was there
    /// before the group. A session's writes keep their order.
    func next() -> [WaitingWrite]? {
        while true {
            let (taken, isOver) = state.withLock { state in
                (Self.take(&state.writes), state.writes.isEmpty && state.isClosed)
            }
            if !taken.isEmpty { return taken }
            if isOver { return nil }
            arrival.wait()
        }
    }

    /// Takes out the writes that may not wait any longer.
    func takeOverdue() -> [WaitingWrite] {
        let now = ContinuousClock.now
        return state.withLock { state in
            let overdue = state.writes.filter { $0.deadline <= now }
            if !overdue.isEmpty { state.writes.removeAll { $0.deadline <= now } }
            return overdue
        }
    }

    private static func take(_ writes: inout [WaitingWrite]) -> [WaitingWrite] {
        if let first = writes.first, first.isAlone {
            writes.removeFirst()
            return [first]
        }
        var taken: [WaitingWrite] = []
        var left: [WaitingWrite] = []
        var sessions: Set<String> = []
        var bytes = 0
        var isFull = false
        for write in writes {
            guard !isFull, case .grouped(let sessionWrite, _) = write.work else {
                // What comes behind a write that goes alone comes after it.
                isFull = true
                left.append(write)
                continue
            }
            guard sessions.insert(sessionWrite.session).inserted else {
                left.append(write)
                continue
            }
            taken.append(write)
            bytes += sessionWrite.bytes
            isFull = taken.count == largestGroup || bytes >= largestBytes
        }
        writes = left
        return taken
    }
}
