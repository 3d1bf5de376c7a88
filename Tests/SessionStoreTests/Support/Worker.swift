import SessionStore
import Testing

/// What a worker holds that owns a partition, with the values filled in that a test does not care about.
struct Worker: Sendable {
    let store: any SessionStore
    var fence: Fence
    var log: LogIdentity

    init(
        _ store: any SessionStore, partition: Int32 = 0, epoch: Int64 = 0, cluster: String = "cluster"
    ) async throws {
        self.store = store
        fence = try await store.takeFence(group: "group", cluster: cluster, topic: "requests", partition: partition)
        log = LogIdentity(cluster: cluster, topic: "requests", partition: partition, epoch: epoch)
    }

    func run(_ session: String, turn: Int = 0, run: Int = 1, offset: Int64 = 0, region: String? = nil) -> StoredRun {
        StoredRun(
            session: session, turn: turn, run: run, region: region, host: "host", requestID: "request",
            position: LogPosition(log: log, offset: offset), firstSeq: 1, eventsStart: 10, startedAt: 100)
    }

    func begin(
        _ session: String, revision: Int64 = 0, turn: Int = 0, run: Int = 1, offset: Int64 = 0,
        region: String? = nil, previousEnd: (run: Int, cause: String, kind: RunEnd)? = nil
    ) async throws -> WriteResult {
        try await store.beginRun(
            BeginRun(
                session: session, expectedRevision: revision,
                run: self.run(session, turn: turn, run: run, offset: offset, region: region), fence: fence,
                previousEnd: previousEnd))
    }

    func interrupt(
        _ session: String, turn: Int = 0, run: Int = 1, cause: String = "handover", kind: RunEnd = .handover,
        at: Int64 = 200
    ) async throws -> WriteResult {
        try await store.interruptRun(
            session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
    }

    func intend(_ session: String, turn: Int = 0, run: Int = 1, calls: [String]) async throws -> WriteResult {
        try await store.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
    }

    func forward(
        _ session: String, offset: Int64 = 0, to place: Int64? = nil, key: String? = nil, at: Int64 = 1000
    ) async throws -> WriteResult {
        try await store.forward(
            Forwarding(
                session: session, fence: fence, position: LogPosition(log: log, offset: offset),
                fingerprint: offset * 10, request: ForwardedRequest(topic: "big", key: "from \(offset)", offset: place),
                idempotencyKey: key, at: at))
    }

    func settlement(
        _ session: String, revision: Int64 = 0, offset: Int64 = 0, at: Int64 = 1000,
        _ change: (inout Settlement) -> Void = { _ in }
    ) -> Settlement {
        var settlement = Settlement(
            session: session, expectedRevision: revision, fence: fence,
            position: LogPosition(log: log, offset: offset), fingerprint: offset * 10, turns: 1, nextSeq: 2, at: at)
        change(&settlement)
        return settlement
    }

    func settle(
        _ session: String, revision: Int64 = 0, offset: Int64 = 0, at: Int64 = 1000,
        _ change: (inout Settlement) -> Void = { _ in }
    ) async throws -> WriteResult {
        try await store.settle(settlement(session, revision: revision, offset: offset, at: at, change))
    }
}

func message(_ id: String, turn: Int = 0, body: String? = nil) -> StoredMessage {
    StoredMessage(id: id, role: "user", turn: turn, body: Array((body ?? "body of \(id)").utf8))
}

extension WriteResult {
    var isConflict: Bool {
        if case .conflict = self { true } else { false }
    }

    /// The same result without its wording.
    var withoutReason: WriteResult {
        if case .conflict = self { .conflict(reason: "") } else { self }
    }
}
