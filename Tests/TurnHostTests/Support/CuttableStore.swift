import SessionStore

/// One host's way to the session store, which ends with the host: what was written stays, answers no longer arrive.
struct CuttableStore: SessionStore {
    let store: SQLiteSessionStore
    let lifeline: Lifeline
    let faults: StoreFaults

    func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence {
        try lifeline.check()
        return try await store.takeFence(group: group, cluster: cluster, topic: topic, partition: partition)
    }

    func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64? {
        try lifeline.check()
        return try await store.currentFence(group: group, cluster: cluster, topic: topic, partition: partition)
    }

    func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification {
        try lifeline.check()
        return try await store.identifyLog(
            cluster: cluster, topic: topic, partition: partition, startOffset: startOffset, endOffset: endOffset,
            fingerprintAt: fingerprintAt)
    }

    func knownClusters(topic: String) async throws(StoreError) -> [String] {
        try lifeline.check()
        return try await store.knownClusters(topic: topic)
    }

    func loadSession(_ id: String) async throws(StoreError) -> StoredSession? {
        try lifeline.check()
        let session = try await store.loadSession(id)
        try lifeline.check()
        return session
    }

    func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        try lifeline.check()
        try await faults.before(.openRuns)
        return try await store.openRuns(log: log)
    }

    func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        try await faults.before(.beginRun)
        try lifeline.check()
        let result = try await store.beginRun(begin)
        try faults.after(.beginRun)
        try lifeline.check()
        return result
    }

    func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        try lifeline.check()
        let result = try await store.interruptRun(
            session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        try lifeline.check()
        return result
    }

    func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        try lifeline.check()
        let result = try await store.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
        try lifeline.check()
        return result
    }

    func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        try lifeline.check()
        try await faults.before(.settle)
        let result = try await store.settle(settlement)
        try faults.after(.settle)
        try lifeline.check()
        return result
    }

    func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition? {
        try lifeline.check()
        return try await store.idempotencyKey(session: session, key: key)
    }

    func listSessions(after cursor: String?, limit: Int) async throws(StoreError) -> Page<SessionSummary> {
        try await store.listSessions(after: cursor, limit: limit)
    }

    func messages(session: String, afterIndex: Int?, limit: Int) async throws(StoreError) -> [StoredMessage] {
        try await store.messages(session: session, afterIndex: afterIndex, limit: limit)
    }

    func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun> {
        try await store.listRuns(session: session, status: status, regions: regions, cursor: cursor, limit: limit)
    }

    func run(_ id: String) async throws(StoreError) -> StoredRun? {
        try await store.run(id)
    }

    func close() async throws(StoreError) {}
}
