/// How a whole session is read: all that belongs to it in one round trip.
enum SessionLoad {
    static func queries(_ id: String) -> [PostgresQuery] {
        headQueries(id) + [earlierPositions, state].map { PostgresQuery($0, [.text(id)]) }
            + [PostgresQuery(ReadStatements.messages, [.text(id), .integer(0), .integer(Int.max)])]
    }

    /// What ``head(_:_:)`` is read from.
    static func headQueries(_ id: String) -> [PostgresQuery] {
        [row, logsAhead, ReadStatements.openRunsOfSession].map { PostgresQuery($0, [.text(id)]) }
    }

    private static let row = PostgresStatement(
        "session", [.text],
        """
        SELECT l.cluster, l.topic, l.partition, l.epoch, s.log_offset, s.revision, s.turns, s.next_seq, s.is_closed,
            s.created_at, s.updated_at, s.applied_ahead, s.control_seq, s.control_turn, s.control_run,
            s.control_kind, s.control_request, s.control_request_offset, s.control_body, s.forwarded_topic,
            s.forwarded_key, s.forwarded_offset
        FROM carryon_sessions AS s JOIN carryon_logs AS l ON l.key = s.log WHERE s.id = $1::text
        """)

    /// The logs of the offsets in `applied_ahead`.
    private static let logsAhead = PostgresStatement(
        "logs_ahead", [.text],
        """
        SELECT l.cluster, l.topic, l.partition, l.epoch, l.key
        FROM (
            SELECT DISTINCT split_part(entry, ':', 1)::int8 AS log
            FROM carryon_sessions AS s CROSS JOIN regexp_split_to_table(s.applied_ahead, ' ') AS entry
            WHERE s.id = $1::text AND s.applied_ahead <> ''
        ) AS ahead JOIN carryon_logs AS l ON l.key = ahead.log
        """)

    private static let earlierPositions = PostgresStatement(
        "earlier_positions", [.text],
        """
        SELECT l.cluster, l.topic, l.partition, l.epoch, p.log_offset
        FROM carryon_sessions AS s JOIN carryon_earlier_positions AS p ON p.session = s.key
            JOIN carryon_logs AS l ON l.key = p.log
        WHERE s.id = $1::text
        """)

    private static let state = PostgresStatement(
        "state", [.text],
        """
        SELECT kept.body FROM carryon_sessions AS s JOIN carryon_session_states AS kept ON kept.session = s.key
        WHERE s.id = $1::text
        """)

    /// - Parameter found: what the ``queries(_:)`` returned.
    static func session(_ id: String, _ found: [PostgresRows]) throws -> StoredSession? {
        guard found.count == 6 else { throw UndecodableColumn(name: "session", value: id) }
        guard var session = try head(id, Array(found[..<3])) else { return nil }
        session.positions += try found[3].map { try $0.position(0) }
        session.state = found[4].first { $0.blob(0) }
        session.messages = try found[5].map { try $0.message() }
        return session
    }

    /// - Parameter found: what the ``headQueries(_:)`` returned.
    static func head(_ id: String, _ found: [PostgresRows]) throws -> StoredSession? {
        guard found.count == 3 else { throw UndecodableColumn(name: "session", value: id) }
        let openRuns = try found[2].map { try $0.run().run }
        guard var session = try found[0].first({ try session(id, $0, logs: found[1]) }) else {
            return openRuns.isEmpty ? nil : StoredSession(id: id, openRuns: openRuns)
        }
        session.openRuns = openRuns
        return session
    }

    private static func session(_ id: String, _ row: PostgresRow, logs: PostgresRows) throws -> StoredSession {
        let logs = Dictionary(try logs.map { ($0.integer(4), try $0.log(0)) }) { first, _ in first }
        let ahead = row.text(11)
        let appliedAhead = try AppliedAhead.entries(in: ahead).map { entry in
            guard let log = logs[entry.log] else { throw UndecodableColumn(name: "applied_ahead", value: ahead) }
            return LogPosition(log: log, offset: entry.offset)
        }
        return StoredSession(
            id: id, revision: row.integer(5), turns: try row.int(6), nextSeq: row.integer(7), isClosed: row.bool(8),
            createdAt: row.integer(9), updatedAt: row.integer(10), positions: [try row.position(0)],
            appliedAhead: appliedAhead, lastControl: try control(row), forwarded: forwarded(row))
    }

    private static func forwarded(_ row: PostgresRow) -> ForwardedRequest? {
        guard let topic = row.optionalText(19) else { return nil }
        return ForwardedRequest(topic: topic, key: row.text(20), offset: row.optionalInteger(21))
    }

    private static func control(_ row: PostgresRow) throws -> StoredEvent? {
        guard let seq = row.optionalInteger(12) else { return nil }
        return StoredEvent(
            seq: seq, turn: try row.optionalInt(13), run: try row.optionalInt(14), control: row.text(15),
            requestID: row.text(16), requestOffset: row.integer(17), body: row.blob(18))
    }
}
