import SessionStore

/// Puts a session's turns on record as a worker does.
struct StoredTurns: Sendable {
    let store: any SessionStore
    let session: String
    let fence: Fence
    let log: LogIdentity

    static func take(_ store: any SessionStore, session: String, partition: Int32 = 1) async throws -> StoredTurns {
        let fence = try await store.takeFence(group: "g", cluster: "c", topic: "requests", partition: partition)
        return StoredTurns(
            store: store, session: session, fence: fence,
            log: LogIdentity(cluster: "c", topic: "requests", partition: partition, epoch: 0))
    }

    /// Begins a turn whose events come after those of the turns before it.
    func begin(turn: Int, events: Int64, at start: Int64 = 0) async throws {
        let run = StoredRun(
            session: session, turn: turn, run: 1, host: "h", requestID: "r\(turn)",
            position: LogPosition(log: log, offset: Int64(turn)), firstSeq: Int64(turn) * events + 1,
            eventsStart: start, startedAt: 1)
        let written = try await store.beginRun(
            BeginRun(session: session, expectedRevision: Int64(turn), run: run, fence: fence))
        guard case .written = written else { throw Refused(result: "\(written)") }
    }

    /// A whole turn with a question `qN` and an answer `aN`.
    func settle(turn: Int, events: Int64, isClosed: Bool = false) async throws {
        try await begin(turn: turn, events: events)
        let messages = [("q\(turn)", "user"), ("a\(turn)", "assistant")].map { id, role in
            StoredMessage(
                id: id, role: role, turn: turn,
                body: Array(#"{"id":"\#(id)","role":"\#(role)","parts":[{"type":"text","text":"\#(id)"}]}"#.utf8))
        }
        let written = try await store.settle(
            Settlement(
                session: session, expectedRevision: Int64(turn), fence: fence,
                position: LogPosition(log: log, offset: Int64(turn)), fingerprint: nil,
                turn: TurnSettlement(turn: turn, run: 1, status: .completed, outcome: "completed"),
                history: HistoryChange(append: messages), turns: turn + 1,
                nextSeq: Int64(turn + 1) * events + 1, isClosed: isClosed, at: 1_000))
        guard case .written = written else { throw Refused(result: "\(written)") }
    }

    struct Refused: Error {
        let result: String
    }
}
