import GRDB

extension GroupTransaction {
    /// All checks come before the first write, so that a refused settlement leaves no trace in the group's transaction.
    func settle(_ settlement: Settlement) throws -> WriteResult {
        if let refusal = try refusal(of: settlement.fence) { return refusal }
        let name = settlement.session
        if let refusal = WriteRules.partition(settlement.fence, of: settlement.position.log, session: name) {
            return refusal
        }
        let row = try sessionRow(name)
        let revision = row?.revision ?? 0
        if let refusal = WriteRules.revision(of: name, expected: settlement.expectedRevision, found: revision) {
            return refusal
        }
        if let refusal = try refusalOfPosition(settlement.position, of: name, row: row) { return refusal }
        if let refusal = try refusalOfKey(settlement, row: row) { return refusal }
        let kept = WriteRules.kept(settlement, existing: row?.messageCount ?? 0)
        if let refusal = WriteRules.history(settlement, kept: kept) { return refusal }
        let run: OpenRun?
        switch try openRun(settlement.turn, session: settlement.session) {
        case .refused(let refusal): return refusal
        case .found(let found): run = found
        case .notNeeded: run = nil
        }

        let log = try key(of: settlement.position.log)
        let session = try write(settlement, row: row, log: log, messageCount: kept + settlement.history.append.count)
        if let row, row.log != log { try keepPosition(of: row, current: log) }
        try writeHistory(settlement.history, session: session, kept: kept, existing: row?.messageCount ?? 0)
        if let run, let turn = settlement.turn {
            try close(run, turn: turn, session: settlement.session, at: settlement.at)
        } else if settlement.dropsRuns {
            try dropRuns(ofSession: settlement.session, log: log, offset: settlement.position.offset)
            if let origin = settlement.origin {
                try dropRuns(ofSession: settlement.session, log: key(of: origin.log), offset: origin.offset)
            }
        }
        if let state = settlement.state { try write(state, session: session) }
        if let idempotencyKey = settlement.idempotencyKey {
            try database.run(
                "INSERT INTO idempotency_keys (session, key, log, log_offset) VALUES (?, ?, ?, ?)",
                [.integer(session), .text(idempotencyKey), .integer(log), .integer(settlement.position.offset)])
        }
        let offset = settlement.position.offset
        noteSettled(
            session: settlement.session, log: log,
            mark: settlement.fingerprint.map { SettledMark(offset: offset, fingerprint: $0) })
        return .written(revision: settlement.expectedRevision + 1)
    }

    struct SessionRow {
        let key: Int64
        let revision: Int64
        let messageCount: Int
        let log: Int64
        let offset: Int64
        let appliedAhead: String
    }

    func sessionRow(_ id: String) throws -> SessionRow? {
        try database.firstRow(
            "SELECT key, revision, message_count, log, log_offset, applied_ahead FROM sessions WHERE id = ?",
            [.text(id)]
        ) { row in
            SessionRow(
                key: row.integer(0), revision: row.integer(1), messageCount: try row.int(2), log: row.integer(3),
                offset: row.integer(4), appliedAhead: row.text(5))
        }
    }

    func refusalOfPosition(_ position: LogPosition, of session: String, row: SessionRow?) throws -> WriteResult? {
        guard let row, let log = try existingKey(of: position.log) else { return nil }
        var settled: Int64? = row.offset
        if row.log != log {
            settled = try database.firstRow(
                "SELECT log_offset FROM earlier_positions WHERE session = ? AND log = ?",
                [.integer(row.key), .integer(log)]
            ) { $0.integer(0) }
        }
        return WriteRules.position(position, of: session, settled: settled)
    }

    private func refusalOfKey(_ settlement: Settlement, row: SessionRow?) throws -> WriteResult? {
        guard let row, let key = settlement.idempotencyKey else { return nil }
        let taken = try database.firstRow(
            "SELECT 1 FROM idempotency_keys WHERE session = ? AND key = ?", [.integer(row.key), .text(key)]
        ) { _ in true }
        return WriteRules.idempotencyKey(settlement, isTaken: taken == true)
    }

    private struct OpenRun {
        let key: Int64
        let run: Int
    }

    private enum OpenRunSearch {
        case notNeeded
        case found(OpenRun)
        case refused(WriteResult)
    }

    private func openRun(_ turn: TurnSettlement?, session: String) throws -> OpenRunSearch {
        guard let turn else { return .notNeeded }
        let runs = try database.rows(
            "SELECT key, run, is_open FROM runs WHERE session = ? AND turn = ? AND run >= ? ORDER BY run LIMIT 2",
            [.text(session), .integer(turn.turn), .integer(turn.run)]
        ) { row in (run: OpenRun(key: row.integer(0), run: try row.int(1)), isOpen: row.bool(2)) }
        let begun = runs.map { (run: $0.run.run, isOpen: $0.isOpen) }
        if let refusal = WriteRules.turn(turn, session: session, begun: begun) { return .refused(refusal) }
        return runs.first.map { .found($0.run) } ?? .notNeeded
    }

    private func write(
        _ settlement: Settlement, row: SessionRow?, log: Int64, messageCount: Int
    ) throws -> Int64 {
        var values: [SQLValue] = [
            .integer(settlement.expectedRevision + 1), .integer(settlement.turns), .integer(settlement.nextSeq),
            .integer(settlement.isClosed), .integer(settlement.at), .integer(messageCount), .integer(log),
            .integer(settlement.position.offset),
        ]
        if let ahead = settlement.appliedAhead {
            values.append(.text(try AppliedAhead.text(of: ahead, key: key(of:))))
        } else {
            values.append(.text(row?.appliedAhead ?? ""))
        }
        if let row {
            values.append(.integer(row.key))
            if let control = settlement.lastControl { values += Self.values(of: control) }
            try database.run(settlement.lastControl == nil ? Self.update : Self.updateWithControl, values)
            return row.key
        }
        values.append(.text(settlement.session))
        values +=
            settlement.lastControl.map(Self.values(of:))
            ?? Array(repeating: .null, count: 7)
        try database.run(Self.insert, values)
        return database.lastInsertedRowID
    }

    private static let insert = """
        INSERT INTO sessions (
            revision, turns, next_seq, is_closed, created_at, updated_at, message_count, log, log_offset,
            applied_ahead, id, control_seq, control_turn, control_run, control_kind, control_request,
            control_request_offset, control_body
        ) VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
        """

    private static let assignments = """
        UPDATE sessions SET revision = ?1, turns = ?2, next_seq = ?3, is_closed = ?4, updated_at = ?5,
            message_count = ?6, log = ?7, log_offset = ?8, applied_ahead = ?9
        """

    private static let update = assignments + " WHERE key = ?10"

    private static let updateWithControl =
        assignments + """
            , control_seq = ?11, control_turn = ?12, control_run = ?13, control_kind = ?14, control_request = ?15,
                control_request_offset = ?16, control_body = ?17
            WHERE key = ?10
            """

    private static func values(of control: StoredEvent) -> [SQLValue] {
        [
            .integer(control.seq), .optional(control.turn), .optional(control.run), .text(control.control),
            .text(control.requestID), .integer(control.requestOffset), .blob(control.body),
        ]
    }

    /// Moves the position that the session's row held out of the way of the one in `current`.
    private func keepPosition(of row: SessionRow, current log: Int64) throws {
        try database.run(
            """
            INSERT INTO earlier_positions (session, log, log_offset) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET log_offset = excluded.log_offset
            """, [.integer(row.key), .integer(row.log), .integer(row.offset)])
        try database.run(
            "DELETE FROM earlier_positions WHERE session = ? AND log = ?", [.integer(row.key), .integer(log)])
    }

    private func writeHistory(_ change: HistoryChange, session: Int64, kept: Int, existing: Int) throws {
        if kept < existing {
            try database.run(
                "DELETE FROM messages WHERE session = ? AND place >= ?", [.integer(session), .integer(kept)])
        }
        for (index, message) in change.replace {
            try database.run(
                "UPDATE messages SET id = ?3, role = ?4, turn = ?5, body = ?6 WHERE session = ?1 AND place = ?2",
                Self.values(of: message, session: session, place: index))
        }
        for (offset, message) in change.append.enumerated() {
            try database.run(
                "INSERT INTO messages (session, place, id, role, turn, body) VALUES (?, ?, ?, ?, ?, ?)",
                Self.values(of: message, session: session, place: kept + offset))
        }
    }

    private static func values(of message: StoredMessage, session: Int64, place: Int) -> [SQLValue] {
        [
            .integer(session), .integer(place), .text(message.id), .text(message.role), .integer(message.turn),
            .blob(message.body),
        ]
    }

    private func close(_ run: OpenRun, turn: TurnSettlement, session: String, at: Int64) throws {
        try database.run(
            """
            UPDATE runs SET is_open = 0, status = ?2, ended_at = ?3, outcome = ?4, finish_reason = ?5, usage = ?6,
                error = ?7, stopped = ?8, intents = NULL
            WHERE key = ?1
            """,
            [
                .integer(run.key), .text(turn.status.rawValue), .integer(at), .text(turn.outcome),
                .optional(turn.finishReason), .optional(turn.usage), .optional(turn.error), .integer(turn.stopped),
            ])
        // A turn's first run has none before it.
        guard run.run > 1 else { return }
        try database.run(
            """
            UPDATE runs SET is_open = 0, status = 'interrupted', ended_at = COALESCE(ended_at, ?3), intents = NULL
            WHERE session = ?1 AND turn = ?2 AND is_open = 1
            """, [.text(session), .integer(turn.turn), .integer(at)])
    }

    private func dropRuns(ofSession session: String, log: Int64, offset: Int64) throws {
        // A session's open runs are few, those of a log may be many: the plus sign keeps the log's index out of it.
        try database.run(
            "DELETE FROM runs WHERE session = ? AND is_open = 1 AND +log = ? AND log_offset = ?",
            [.text(session), .integer(log), .integer(offset)])
    }

    /// A state that is the same as before is compared, and not written again.
    private func write(_ state: [UInt8], session: Int64) throws {
        guard !state.isEmpty else {
            try database.run("DELETE FROM session_states WHERE session = ?", [.integer(session)])
            return
        }
        try database.run(
            """
            INSERT INTO session_states (session, body) VALUES (?, ?)
            ON CONFLICT DO UPDATE SET body = excluded.body WHERE body <> excluded.body
            """, [.integer(session), .blob(state)])
    }
}
