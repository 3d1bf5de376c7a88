package import SessionStore

/// One worker's way to a session store, which ends with the worker: what was written stays, but no answer arrives any
/// more. The store itself stays open, for the others.
package protocol GuardedSessionStore: SessionStore {
    associatedtype Store: SessionStore
    var store: Store { get }

    /// - Throws: once the way has ended.
    func check() throws(StoreError)
}

extension GuardedSessionStore {
    /// Asks the store, if the way is open and still is when the answer comes.
    package func guarded<Answer>(
        _ ask: () async throws(StoreError) -> Answer
    ) async throws(StoreError) -> Answer {
        try check()
        let answer = try await ask()
        try check()
        return answer
    }

    package func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence {
        try await guarded { () throws(StoreError) in
            try await store.takeFence(group: group, cluster: cluster, topic: topic, partition: partition)
        }
    }

    package func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64? {
        try await guarded { () throws(StoreError) in
            try await store.currentFence(group: group, cluster: cluster, topic: topic, partition: partition)
        }
    }

    package func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification {
        try check()
        return try await store.identifyLog(
            cluster: cluster, topic: topic, partition: partition, startOffset: startOffset, endOffset: endOffset,
            fingerprintAt: fingerprintAt)
    }

    package func knownClusters(topic: String) async throws(StoreError) -> [String] {
        try await guarded { () throws(StoreError) in try await store.knownClusters(topic: topic) }
    }

    package func loadSession(_ id: String) async throws(StoreError) -> StoredSession? {
        try await guarded { () throws(StoreError) in try await store.loadSession(id) }
    }

    package func sessionHead(_ id: String) async throws(StoreError) -> StoredSession? {
        try await guarded { () throws(StoreError) in try await store.sessionHead(id) }
    }

    package func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        try await guarded { () throws(StoreError) in try await store.openRuns(log: log) }
    }

    package func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        try await guarded { () throws(StoreError) in
            try await store.interruptRun(
                session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        }
    }

    package func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        try await guarded { () throws(StoreError) in
            try await store.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
        }
    }

    package func forward(_ forwarding: Forwarding) async throws(StoreError) -> WriteResult {
        try await guarded { () throws(StoreError) in try await store.forward(forwarding) }
    }

    package func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition? {
        try await guarded { () throws(StoreError) in try await store.idempotencyKey(session: session, key: key) }
    }

    package func listSessions(after cursor: String?, limit: Int) async throws(StoreError) -> Page<SessionSummary> {
        try await guarded { () throws(StoreError) in try await store.listSessions(after: cursor, limit: limit) }
    }

    package func messages(
        session: String, afterIndex: Int?, limit: Int
    ) async throws(StoreError) -> [StoredMessage] {
        try await guarded { () throws(StoreError) in
            try await store.messages(session: session, afterIndex: afterIndex, limit: limit)
        }
    }

    package func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun> {
        try await guarded { () throws(StoreError) in
            try await store.listRuns(session: session, status: status, regions: regions, cursor: cursor, limit: limit)
        }
    }

    package func run(_ id: String) async throws(StoreError) -> StoredRun? {
        try await guarded { () throws(StoreError) in try await store.run(id) }
    }

    package func park(_ session: ParkedSession) async throws(StoreError) {
        try await guarded { () throws(StoreError) in try await store.park(session) }
    }

    package func parkedSessions() async throws(StoreError) -> [ParkedSession] {
        try await guarded { () throws(StoreError) in try await store.parkedSessions() }
    }

    package func parkedSession(_ id: String) async throws(StoreError) -> ParkedSession? {
        try await guarded { () throws(StoreError) in try await store.parkedSession(id) }
    }

    package func beginRelease(of session: String) async throws(StoreError) {
        try await guarded { () throws(StoreError) in try await store.beginRelease(of: session) }
    }

    package func endRelease(of session: String, atRevision revision: Int64) async throws(StoreError) -> Bool {
        try await guarded { () throws(StoreError) in
            try await store.endRelease(of: session, atRevision: revision)
        }
    }

    package func probe() async throws(StoreError) {
        try await guarded { () throws(StoreError) in try await store.probe() }
    }

    package func close() async throws(StoreError) {}
}
