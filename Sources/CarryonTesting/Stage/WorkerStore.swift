import SessionStore

/// One worker's way to the session store, which ends with the worker and waits with it: what was written stays, but
/// the answer no longer arrives.
struct WorkerStore: SessionStore {
    let store: MemorySessionStore
    let worker: MockWorker

    func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence {
        try worker.check()
        return try await store.takeFence(group: group, cluster: cluster, topic: topic, partition: partition)
    }

    func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64? {
        try worker.check()
        return try await store.currentFence(group: group, cluster: cluster, topic: topic, partition: partition)
    }

    func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification {
        try worker.check()
        return try await store.identifyLog(
            cluster: cluster, topic: topic, partition: partition, startOffset: startOffset, endOffset: endOffset,
            fingerprintAt: fingerprintAt)
    }

    func knownClusters(topic: String) async throws(StoreError) -> [String] {
        try worker.check()
        return try await store.knownClusters(topic: topic)
    }

    func loadSession(_ id: String) async throws(StoreError) -> StoredSession? {
        try worker.check()
        return try await store.loadSession(id)
    }

    func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        try worker.check()
        return try await store.openRuns(log: log)
    }

    func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        await worker.pass(.beforeBeginRun)
        try worker.check()
        let result = try await store.beginRun(begin)
        guard case .written = result else { return result }
        await worker.pass(.afterBeginRun)
        try worker.check()
        worker.began(turn: begin.run.turn, run: begin.run.run)
        return result
    }

    func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        await worker.untilItGoesOn()
        try worker.check()
        let result = try await store.interruptRun(
            session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        try worker.check()
        if kind == .handover { worker.leaveIfAsked() }
        return result
    }

    func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        await worker.untilItGoesOn()
        try worker.check()
        let result = try await store.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
        try worker.check()
        return result
    }

    func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        // What a turn's last hook changed is stored without a step of its own.
        if worker.owesAnything { return try await amend(settlement) }
        await worker.pass(.beforeSettle)
        try worker.check()
        let result = try await store.settle(settlement)
        guard case .written = result else { return result }
        worker.settled(turn: settlement.turn?.turn, offset: settlement.position.offset)
        await worker.pass(.inSettle)
        try worker.check()
        await worker.pass(.afterSettle)
        try worker.check()
        return result
    }

    private func amend(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        await worker.untilItGoesOn()
        try worker.check()
        let result = try await store.settle(settlement)
        try worker.check()
        return result
    }

    func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition? {
        try worker.check()
        return try await store.idempotencyKey(session: session, key: key)
    }

    func listSessions(after cursor: String?, limit: Int) async throws(StoreError) -> Page<SessionSummary> {
        try worker.check()
        return try await store.listSessions(after: cursor, limit: limit)
    }

    func messages(session: String, afterIndex: Int?, limit: Int) async throws(StoreError) -> [StoredMessage] {
        try worker.check()
        return try await store.messages(session: session, afterIndex: afterIndex, limit: limit)
    }

    func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun> {
        try worker.check()
        return try await store.listRuns(
            session: session, status: status, regions: regions, cursor: cursor, limit: limit)
    }

    func run(_ id: String) async throws(StoreError) -> StoredRun? {
        try worker.check()
        return try await store.run(id)
    }

    func close() async throws(StoreError) {}
}
