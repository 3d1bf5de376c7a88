import GRDB

extension GroupTransaction {
    func forward(_ forwarding: Forwarding) throws -> WriteResult {
        let (name, position) = (forwarding.session, forwarding.position)
        if let refusal = try refusal(of: forwarding.fence) { return refusal }
        if let refusal = WriteRules.partition(forwarding.fence, of: position.log, session: name) { return refusal }
        let row = try sessionRow(name)
        if let refusal = try refusalOfPosition(position, of: name, row: row) { return refusal }

        let log = try key(of: position.log)
        let session = try row?.key ?? makeSession(forwarding, log: log)
        let request = forwarding.request
        try database.run(
            "UPDATE sessions SET forwarded_topic = ?2, forwarded_key = ?3, forwarded_offset = ?4 WHERE key = ?1",
            [.integer(session), .text(request.topic), .text(request.key), .optional(request.offset)])
        if let key = forwarding.idempotencyKey {
            try database.run(
                """
                INSERT INTO idempotency_keys (session, key, log, log_offset) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING
                """, [.integer(session), .text(key), .integer(log), .integer(position.offset)])
        }
        if request.offset != nil {
            try move(session, isCurrent: row.map { $0.log == log } ?? true, log: log, offset: position.offset)
            noteSettled(
                session: name, log: log,
                mark: forwarding.fingerprint.map { SettledMark(offset: position.offset, fingerprint: $0) })
        }
        return .written(revision: row?.revision ?? 0)
    }

    private func makeSession(_ forwarding: Forwarding, log: Int64) throws -> Int64 {
        try database.run(
            """
            INSERT INTO sessions (
                id, revision, turns, next_seq, is_closed, created_at, updated_at, message_count, log, log_offset,
                applied_ahead
            ) VALUES (?1, 0, 0, 1, 0, ?2, ?2, 0, ?3, ?4, '')
            """,
            [
                .text(forwarding.session), .integer(forwarding.at), .integer(log),
                .integer(forwarding.positionBefore.offset),
            ])
        return database.lastInsertedRowID
    }

    /// - Parameter isCurrent: whether the session's row holds its position in this log. It goes on holding the one of the
    ///   last settlement.
    private func move(_ session: Int64, isCurrent: Bool, log: Int64, offset: Int64) throws {
        guard !isCurrent else {
            try database.run(
                "UPDATE sessions SET log_offset = ? WHERE key = ?", [.integer(offset), .integer(session)])
            return
        }
        try database.run(
            """
            INSERT INTO earlier_positions (session, log, log_offset) VALUES (?, ?, ?)
            ON CONFLICT DO UPDATE SET log_offset = excluded.log_offset
            """, [.integer(session), .integer(log), .integer(offset)])
    }
}
