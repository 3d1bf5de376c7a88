import GRDB

extension GroupTransaction {
    func beginRun(_ begin: BeginRun) throws -> WriteResult {
        let run = begin.run
        if let refusal = try refusal(of: begin.fence) { return refusal }
        guard run.status == .running, run.session == begin.session else {
            return .conflict(reason: "run \(run.id) does not begin as a running one of session \(begin.session)")
        }
        guard begin.fence.guards(run.position.log) else { return Self.wrongPartition(begin.session) }
        let revision = try revision(ofSession: begin.session)
        guard revision == begin.expectedRevision else {
            return Self.wrongRevision(begin.session, expected: begin.expectedRevision, found: revision)
        }
        let latest = try database.firstRow(
            "SELECT run FROM runs WHERE session = ? AND turn = ? ORDER BY run DESC LIMIT 1",
            [.text(run.session), .integer(run.turn)]
        ) { $0.integer(0) }
        if let latest, latest >= run.run {
            return .conflict(reason: "run \(latest) of turn \(run.turn) of session \(run.session) has begun already")
        }
        if let previous = begin.previousEnd {
            try database.run(
                """
                UPDATE runs SET status = 'interrupted', cause = ?4, cause_kind = ?5, ended_at = ?6
                WHERE session = ?1 AND turn = ?2 AND run = ?3 AND status = 'running'
                """,
                [
                    .text(run.session), .integer(run.turn), .integer(previous.run), .text(previous.cause),
                    .text(previous.kind.rawValue), .integer(run.startedAt),
                ])
        }
        try insert(run)
        return .written(revision: revision)
    }

    private func insert(_ run: StoredRun) throws {
        try database.run(
            """
            INSERT INTO runs (
                session, turn, run, is_open, status, region, host, request_id, log, log_offset, first_seq,
                events_start, started_at, stopped
            ) VALUES (?, ?, ?, 1, 'running', ?, ?, ?, ?, ?, ?, ?, ?, 0)
            """,
            [
                .text(run.session), .integer(run.turn), .integer(run.run), .optional(run.region), .text(run.host),
                .text(run.requestID), .integer(try key(of: run.position.log)), .integer(run.position.offset),
                .integer(run.firstSeq), .integer(run.eventsStart), .integer(run.startedAt),
            ])
    }

    func interruptRun(_ interruption: RunInterruption) throws -> WriteResult {
        if let refusal = try refusal(of: interruption.fence) { return refusal }
        let found: (key: Int64, status: RunStatus, partition: FencedPartition)? = try database.firstRow(
            """
            SELECT runs.key, status, cluster, topic, partition FROM runs JOIN logs ON logs.key = runs.log
            WHERE session = ? AND turn = ? AND run = ?
            """, [.text(interruption.session), .integer(interruption.turn), .integer(interruption.run)]
        ) { row in
            let partition = FencedPartition(
                group: interruption.fence.group, cluster: row.text(2), topic: row.text(3),
                partition: try row.int32(4))
            return (row.integer(0), try row.named(1), partition)
        }
        let id = StoredRun.id(session: interruption.session, turn: interruption.turn, run: interruption.run)
        guard let found else { return .conflict(reason: "run \(id) was never begun") }
        guard found.status == .running else { return .conflict(reason: "run \(id) is \(found.status.rawValue)") }
        guard found.partition == FencedPartition(interruption.fence) else {
            return Self.wrongPartition(interruption.session)
        }
        try database.run(
            "UPDATE runs SET status = 'interrupted', cause = ?2, cause_kind = ?3, ended_at = ?4 WHERE key = ?1",
            [
                .integer(found.key), .text(interruption.cause), .text(interruption.kind.rawValue),
                .integer(interruption.at),
            ])
        return .written(revision: try revision(ofSession: interruption.session))
    }

    private func revision(ofSession id: String) throws -> Int64 {
        try database.firstRow("SELECT revision FROM sessions WHERE id = ?", [.text(id)]) { $0.integer(0) } ?? 0
    }

    static func wrongPartition(_ session: String) -> WriteResult {
        .conflict(reason: "the fence is of another partition than the request of session \(session)")
    }

    static func wrongRevision(_ session: String, expected: Int64, found: Int64) -> WriteResult {
        .conflict(reason: "session \(session) is at revision \(found), not \(expected)")
    }
}

/// The end of a run that does not settle its turn.
struct RunInterruption: Sendable {
    let session: String
    let turn: Int
    let run: Int
    let cause: String
    let kind: RunEnd
    let fence: Fence
    let at: Int64
}
