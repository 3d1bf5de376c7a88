import GRDB

/// What is read of sessions, within one snapshot of the database.
enum StoredSessionQuery {
    /// A session without its messages, state, runs and earlier positions, and the key of its row.
    static func row(_ id: String, in database: Database) throws -> (key: Int64, session: StoredSession)? {
        let found = try database.firstRow(
            """
            SELECT cluster, topic, partition, epoch, log_offset, sessions.key, revision, turns, next_seq, is_closed,
                created_at, updated_at, applied_ahead, control_seq, control_turn, control_run, control_kind,
                control_request, control_request_offset, control_body, forwarded_topic, forwarded_key,
                forwarded_offset
            FROM sessions JOIN logs ON logs.key = sessions.log WHERE id = ?
            """, [.text(id)]
        ) { row in
            let session = StoredSession(
                id: id, revision: row.integer(6), turns: try row.int(7), nextSeq: row.integer(8),
                isClosed: row.bool(9), createdAt: row.integer(10), updatedAt: row.integer(11),
                positions: [try row.position(0)], lastControl: try control(row),
                forwarded: forwarded(row))
            return (key: row.integer(5), session: session, appliedAhead: row.text(12))
        }
        guard var found else { return nil }
        found.session.appliedAhead = try AppliedAhead.entries(in: found.appliedAhead).map { entry in
            guard let log = try log(entry.log, in: database) else {
                throw UndecodableColumn(name: "applied_ahead", value: found.appliedAhead)
            }
            return LogPosition(log: log, offset: entry.offset)
        }
        return (found.key, found.session)
    }

    private static func control(_ row: borrowing SQLRow) throws -> StoredEvent? {
        guard let seq = row.optionalInteger(13) else { return nil }
        return StoredEvent(
            seq: seq, turn: try row.optionalInt(14), run: try row.optionalInt(15), control: row.text(16),
            requestID: row.text(17), requestOffset: row.integer(18), body: row.blob(19))
    }

    private static func forwarded(_ row: borrowing SQLRow) -> ForwardedRequest? {
        guard let topic = row.optionalText(20) else { return nil }
        return ForwardedRequest(topic: topic, key: row.text(21), offset: row.optionalInteger(22))
    }

    private static func log(_ key: Int64, in database: Database) throws -> LogIdentity? {
        try database.firstRow(
            "SELECT cluster, topic, partition, epoch FROM logs WHERE key = ?", [.integer(key)]
        ) { try $0.log(0) }
    }

    static func earlierPositions(_ session: Int64, in database: Database) throws -> [LogPosition] {
        try database.rows(
            """
            SELECT cluster, topic, partition, epoch, log_offset
            FROM earlier_positions JOIN logs ON logs.key = earlier_positions.log WHERE session = ?
            """, [.integer(session)]
        ) { try $0.position(0) }
    }

    static func state(_ session: Int64, in database: Database) throws -> [UInt8]? {
        try database.firstRow("SELECT body FROM session_states WHERE session = ?", [.integer(session)]) { $0.blob(0) }
    }

    static func messages(
        _ session: Int64, from place: Int, limit: Int, in database: Database
    ) throws -> [StoredMessage] {
        try database.rows(
            "SELECT id, role, turn, body FROM messages WHERE session = ? AND place >= ? ORDER BY place LIMIT ?",
            [.integer(session), .integer(place), .integer(limit)]
        ) { row in
            StoredMessage(id: row.text(0), role: row.text(1), turn: try row.int(2), body: row.blob(3))
        }
    }

    static func list(
        after cursor: SessionCursor?, limit: Int, in database: Database
    ) throws -> Page<SessionSummary> {
        let columns = "id, revision, turns, message_count, is_closed, created_at, updated_at"
        let order = "ORDER BY updated_at DESC, id DESC LIMIT ?"
        let found: [SessionSummary]
        if let cursor {
            found = try database.rows(
                "SELECT \(columns) FROM sessions WHERE (updated_at, id) < (?, ?) \(order)",
                [.integer(cursor.updatedAt), .text(cursor.id), .integer(limit + 1)], decode: summary)
        } else {
            found = try database.rows(
                "SELECT \(columns) FROM sessions \(order)", [.integer(limit + 1)], decode: summary)
        }
        let page = Array(found.prefix(limit))
        let next = page.last.map { SessionCursor(updatedAt: $0.updatedAt, id: $0.id).text }
        return Page(items: page, cursor: found.count > limit ? next : nil)
    }

    private static func summary(_ row: borrowing SQLRow) throws -> SessionSummary {
        SessionSummary(
            id: row.text(0), revision: row.integer(1), turns: try row.int(2), messageCount: try row.int(3),
            isClosed: row.bool(4), createdAt: row.integer(5), updatedAt: row.integer(6))
    }
}
