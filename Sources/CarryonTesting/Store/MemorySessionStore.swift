package import SessionStore
import Synchronization

/// A session store in this process's memory, with all the rules of one on a disk: it is gone with the process.
package final class MemorySessionStore: SessionStore {
    /// What several stores share that stand for several processes with one database.
    package final class Shared: Sendable {
        fileprivate let database = Mutex(MemoryDatabase())

        package init() {}
    }

    private let shared: Shared
    private let isClosed = Atomic(false)

    package init(_ shared: Shared = Shared()) {
        self.shared = shared
    }

    /// Reads or changes the database, in one step.
    func access<Result: Sendable>(
        _ operation: @autoclosure () -> String, _ body: (inout MemoryDatabase) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard !isClosed.load(ordering: .acquiring) else {
            throw StoreError(code: .closed, operation: operation(), reason: "the store was closed")
        }
        return try shared.database.withLock { (database) throws(StoreError) in try body(&database) }
    }

    package func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence {
        try access("taking the fence of \(topic)/\(partition)") {
            $0.takeFence(.init(group: group, log: .init(cluster: cluster, topic: topic, partition: partition)))
        }
    }

    package func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64? {
        try access("reading the fence of \(topic)/\(partition)") {
            $0.fences[.init(group: group, log: .init(cluster: cluster, topic: topic, partition: partition))]
        }
    }

    package func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification {
        let name = MemoryDatabase.PartitionName(cluster: cluster, topic: topic, partition: partition)
        let operation = "identifying the log of \(topic)/\(partition)"
        while true {
            let seen = try access(operation) { $0.knownLog(name) }
            let reason = await seen?.mark?.contradiction(start: startOffset, end: endOffset, found: fingerprintAt)
            let epoch = seen.map { reason == nil ? $0.epoch : $0.epoch + 1 } ?? 0
            let log = LogIdentity(cluster: cluster, topic: topic, partition: partition, epoch: epoch)
            let identification = LogIdentification(log: log, isNewEpoch: reason != nil, reason: reason)
            if seen?.epoch == epoch { return identification }
            // The look at the record was outside the lock: start over if the log has changed since.
            if try access(operation, { $0.beginEpoch(epoch, of: name, replacing: seen) }) { return identification }
        }
    }

    package func knownClusters(topic: String) async throws(StoreError) -> [String] {
        try access("looking for other clusters of \(topic)") { $0.settledClusters(topic: topic) }
    }

    package func loadSession(_ id: String) async throws(StoreError) -> StoredSession? {
        try access("loading session \(id)") { $0.load(id) }
    }

    package func sessionHead(_ id: String) async throws(StoreError) -> StoredSession? {
        try access("looking at session \(id)") { database in
            guard var session = database.load(id) else { return nil }
            session.messages = []
            session.state = nil
            session.positions = Array(session.positions.prefix(1))
            return session
        }
    }

    package func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        try access("looking for open runs in \(log.topic)/\(log.partition)") { $0.openRuns(in: log) }
    }

    package func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        try access("beginning run \(begin.run.id)") { $0.begin(begin) }
    }

    package func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        try access("interrupting run \(run) of turn \(turn) of session \(session)") {
            $0.interruptRun(session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        }
    }

    package func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        try access("recording calls of tools of run \(run) of turn \(turn) of session \(session)") {
            $0.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
        }
    }

    package func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        try access("settling offset \(settlement.position.offset) of session \(settlement.session)") {
            $0.settle(settlement)
        }
    }

    package func forward(_ forwarding: Forwarding) async throws(StoreError) -> WriteResult {
        try access("forwarding offset \(forwarding.position.offset) of session \(forwarding.session)") {
            $0.forward(forwarding)
        }
    }

    package func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition? {
        try access("looking for an idempotency key of session \(session)") {
            $0.sessions[session]?.idempotencyKeys[key]
        }
    }

    package func listSessions(after cursor: String?, limit: Int) async throws(StoreError) -> Page<SessionSummary> {
        try access("listing sessions") { (database) throws(StoreError) in
            try database.listSessions(after: cursor, limit: limit)
        }
    }

    package func messages(
        session: String, afterIndex: Int?, limit: Int
    ) async throws(StoreError) -> [StoredMessage] {
        try access("reading messages of session \(session)") {
            $0.messages(session: session, afterIndex: afterIndex, limit: limit)
        }
    }

    package func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun> {
        try access("listing runs") { (database) throws(StoreError) in
            try database.listRuns(session: session, status: status, regions: regions, cursor: cursor, limit: limit)
        }
    }

    package func run(_ id: String) async throws(StoreError) -> StoredRun? {
        try access("reading run \(id)") { $0.run(id) }
    }

    package func probe() async throws(StoreError) {
        try access("probing the store") { _ in }
    }

    package func close() async throws(StoreError) {
        isClosed.store(true, ordering: .releasing)
    }
}
