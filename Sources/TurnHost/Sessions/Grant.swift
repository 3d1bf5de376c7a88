import SessionStore
import Synchronization

/// An assignment as long as this host holds it: whether turns of it may begin, and how many are under way.
final class Grant: Sendable {
    /// What is read once, when the partition is granted.
    struct Preparation: Sendable {
        /// Sessions with a turn that was begun and not settled, with that turn's runs.
        var openRuns: [String: [StoredRun]]
    }

    private enum Phase { case active, yielding, gone }

    private struct State {
        var phase = Phase.active
        var underWay = 0
        var highestDispatched: Int64 = -1
        var knownUpTo: Int64 = -1
        /// Closed for as long as nothing new of the assignment may begin.
        var pause: Gate?
    }

    let partition: PartitionGrant
    /// Opens when everything that was in the log at the assignment has arrived here.
    let caughtUp = Gate()
    let preparation: Task<Preparation, any Error>
    private let state = Mutex(State())
    private let onYielded: @Sendable () -> Void

    init(
        _ partition: PartitionGrant, preparation: Task<Preparation, any Error>,
        onYielded: @escaping @Sendable () -> Void
    ) {
        self.partition = partition
        self.preparation = preparation
        self.onYielded = onYielded
    }

    var log: LogIdentity { partition.log }

    /// Whether turns may begin and settle.
    var isActive: Bool { state.withLock { $0.phase == .active } }

    /// Whether what was begun may still be written.
    var isHeld: Bool { state.withLock { $0.phase != .gone } }

    /// Whether nothing new of the assignment may begin for now.
    var isPaused: Bool { state.withLock { $0.pause != nil } }

    /// Lets nothing new begin until ``resume()``. An assignment that is on its way out is not held up any more.
    func pause() {
        state.withLock { state in
            if state.phase == .active, state.pause == nil { state.pause = Gate() }
        }
    }

    func resume() {
        let gate = state.withLock { state in
            defer { state.pause = nil }
            return state.pause
        }
        gate?.open()
    }

    /// Suspends while the assignment is paused.
    func passPause() async {
        while let gate = state.withLock({ $0.pause }) { await gate.wait() }
    }

    /// Begins work that has to be over before the assignment can be let go.
    /// - Returns: `false` if it must not begin any more.
    func enter() -> Bool {
        state.withLock { state in
            guard state.phase == .active else { return false }
            state.underWay += 1
            return true
        }
    }

    /// Such work is over.
    func leave() {
        let isLast = state.withLock { state in
            state.underWay -= 1
            return state.phase == .yielding && state.underWay == 0
        }
        if isLast { onYielded() }
    }

    /// Lets nothing begin any more and calls `onYielded` when nothing is under way.
    func yield() {
        caughtUp.open()
        let isDone = state.withLock { state in
            guard state.phase == .active else { return false }
            state.phase = .yielding
            return state.underWay == 0
        }
        resume()
        if isDone { onYielded() }
    }

    /// The partition is somebody else's.
    /// - Returns: whether that is news.
    @discardableResult
    func lose() -> Bool {
        caughtUp.open()
        defer { resume() }
        return state.withLock { state in
            defer { state.phase = .gone }
            return state.phase != .gone
        }
    }

    /// A request at `offset` has arrived.
    func noteDispatch(_ offset: Int64) {
        state.withLock { $0.highestDispatched = max($0.highestDispatched, offset) }
    }

    /// What has arrived by now is what was waiting.
    func catchUp() {
        state.withLock { $0.knownUpTo = max($0.highestDispatched, partition.endOffset - 1) }
        caughtUp.open()
    }

    /// Whether the request at `offset` was waiting when the partition was taken over.
    func wasWaiting(_ offset: Int64) -> Bool {
        state.withLock { offset <= max($0.knownUpTo, partition.endOffset - 1) }
    }
}
