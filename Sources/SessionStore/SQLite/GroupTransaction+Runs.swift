import GRDB

extension GroupTransaction {
    func beginRun(_ begin: BeginRun) throws -> WriteResult {
        let run = begin.run
        if let refusal = try refusal(of: begin.fence) { return refusal }
        if let refusal = WriteRules.beginning(begin) { return refusal }
        let revision = try revision(ofSession: begin.session)
        if let refusal = WriteRules.revision(of: begin.session, expected: begin.expectedRevision, found: revision) {
            return refusal
        }
        let latest = try database.firstRow(
            "SELECT run FROM runs WHERE session = ? AND turn = ? ORDER BY run DESC LIMIT 1",
            [.text(run.session), .integer(run.turn)]
        ) { try $0.int(0) }
        if let refusal = WriteRules.newRun(run, begun: latest) { return refusal }
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
                events_start, started_at, intents, stopped
            ) VALUES (?, ?, ?, 1, 'running', ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
            """,
            [
                .text(run.session), .integer(run.turn), .integer(run.run), .optional(run.region), .text(run.host),
                .text(run.requestID), .integer(try key(of: run.position.log)), .integer(run.position.offset),
                .integer(run.firstSeq), .integer(run.eventsStart), .integer(run.startedAt),
                try RunIntents.value(of: RunIntents.adding(run.intents, to: [])),
            ])
    }

    func interruptRun(_ interruption: RunInterruption) throws -> WriteResult {
        let (session, fence) = (interruption.session, interruption.fence)
        let found: RunningRun
        switch try runningRun(session: session, turn: interruption.turn, run: interruption.run, fence: fence) {
        case .refused(let refusal): return refusal
        case .found(let run): found = run
        }
        try database.run(
            "UPDATE runs SET status = 'interrupted', cause = ?2, cause_kind = ?3, ended_at = ?4 WHERE key = ?1",
            [
                .integer(found.key), .text(interruption.cause), .text(interruption.kind.rawValue),
                .integer(interruption.at),
            ])
        return .written(revision: try revision(ofSession: session))
    }

    func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) throws -> WriteResult {
        let found: RunningRun
        switch try runningRun(session: session, turn: turn, run: run, fence: fence) {
        case .refused(let refusal): return refusal
        case .found(let run): found = run
        }
        let recorded = try RunIntents.intents(in: found.intents)
        let all = RunIntents.adding(calls, to: recorded)
        if all.count > recorded.count {
            try database.run(
                "UPDATE runs SET intents = ?2 WHERE key = ?1", [.integer(found.key), try RunIntents.value(of: all)])
        }
        return .written(revision: try revision(ofSession: session))
    }

    private struct RunningRun {
        let key: Int64
        let intents: String?
    }

    private enum RunningRunSearch {
        case found(RunningRun)
        case refused(WriteResult)
    }

    /// The run, if it is `running` and `fence` lets its holder write to it.
    private func runningRun(session: String, turn: Int, run: Int, fence: Fence) throws -> RunningRunSearch {
        if let refusal = try refusal(of: fence) { return .refused(refusal) }
        let found: (run: RunningRun, status: RunStatus, partition: FencedPartition)? = try database.firstRow(
            """
            SELECT runs.key, intents, status, cluster, topic, partition FROM runs JOIN logs ON logs.key = runs.log
            WHERE session = ? AND turn = ? AND run = ?
            """, [.text(session), .integer(turn), .integer(run)]
        ) { row in
            let partition = FencedPartition(
                group: fence.group, cluster: row.text(3), topic: row.text(4), partition: try row.int32(5))
            return (RunningRun(key: row.integer(0), intents: row.optionalText(1)), try row.named(2), partition)
        }
        let refusal = WriteRules.runningRun(
            session: session, turn: turn, run: run, fence: fence, found: found.map { ($0.status, $0.partition) })
        if let refusal { return .refused(refusal) }
        return found.map { .found($0.run) } ?? .refused(.conflict(reason: "there is no such run"))
    }

    private func revision(ofSession id: String) throws -> Int64 {
        try database.firstRow("SELECT revision FROM sessions WHERE id = ?", [.text(id)]) { $0.integer(0) } ?? 0
    }
}
