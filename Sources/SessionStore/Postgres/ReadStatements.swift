/// What is read outside of a group.
enum ReadStatements {
    static let fence = PostgresStatement(
        "fence", [.text, .text, .text, .integer],
        """
        SELECT token FROM carryon_fences
        WHERE consumer_group = $1::text AND cluster = $2::text AND topic = $3::text AND partition = $4::int8
        """)

    static let clusters = PostgresStatement(
        "clusters", [.text],
        """
        SELECT DISTINCT cluster FROM carryon_logs WHERE topic = $1::text AND settled_offset IS NOT NULL
        ORDER BY cluster
        """)

    /// Where a run is read from: what `condition` selects, by the names `r` and `l`.
    static func runs(_ source: String, _ rest: String) -> String {
        """
        SELECT l.cluster, l.topic, l.partition, l.epoch, r.log_offset, r.key, r.session, r.turn, r.run, r.status,
            r.cause, r.cause_kind, r.region, r.host, r.request_id, r.first_seq, r.events_start, r.started_at,
            r.ended_at, r.outcome, r.finish_reason, r.usage, r.error, r.stopped, r.intents
        FROM \(source) AS r JOIN carryon_logs AS l ON l.key = r.log \(rest)
        """
    }

    static let openRunsOfLog = PostgresStatement(
        "open_runs_of_log", [.text, .text, .integer, .integer],
        runs(
            "carryon_runs",
            """
            WHERE r.is_open AND l.cluster = $1::text AND l.topic = $2::text AND l.partition = $3::int8
                AND l.epoch = $4::int8 ORDER BY r.key
            """))

    static let openRunsOfSession = PostgresStatement(
        "open_runs_of_session", [.text],
        runs("carryon_runs", "WHERE r.session = $1::text AND r.is_open ORDER BY r.turn, r.run"))

    static let run = PostgresStatement(
        "run", [.text, .integer, .integer],
        runs("carryon_runs", "WHERE r.session = $1::text AND r.turn = $2::int8 AND r.run = $3::int8"))

    static let idempotencyKey = PostgresStatement(
        "idempotency_key", [.text, .bytes],
        """
        SELECT l.cluster, l.topic, l.partition, l.epoch, k.log_offset
        FROM carryon_sessions AS s JOIN carryon_idempotency_keys AS k ON k.session = s.key
            JOIN carryon_logs AS l ON l.key = k.log
        WHERE s.id = $1::text AND k.digest = sha256($2::bytea)
        """)

    private static let summary = """
        SELECT id, revision, turns, message_count, is_closed, created_at, updated_at FROM carryon_sessions
        """

    private static let latestFirst = "ORDER BY updated_at DESC, id DESC LIMIT $1::int8"

    static let firstSessions = PostgresStatement("first_sessions", [.integer], "\(summary) \(latestFirst)")

    static let nextSessions = PostgresStatement(
        "next_sessions", [.integer, .integer, .text],
        "\(summary) WHERE (updated_at, id) < ($2::int8, $3::text) \(latestFirst)")

    static let messages = PostgresStatement(
        "messages", [.text, .integer, .integer],
        """
        SELECT id, role, turn, body FROM carryon_messages
        WHERE session = (SELECT key FROM carryon_sessions WHERE id = $1::text) AND place >= $2::int8
        ORDER BY place LIMIT $3::int8
        """)
}

extension PostgresRow {
    func message() throws -> StoredMessage {
        StoredMessage(id: text(0), role: text(1), turn: try int(2), body: blob(3))
    }

    func run() throws -> (key: Int64, run: StoredRun) {
        let run = StoredRun(
            session: text(6), turn: try int(7), run: try int(8), status: try named(9), cause: optionalText(10),
            causeKind: try optionalNamed(11), region: optionalText(12), host: text(13), requestID: text(14),
            position: try position(0), firstSeq: integer(15), eventsStart: integer(16), startedAt: integer(17),
            endedAt: optionalInteger(18), outcome: optionalText(19), finishReason: optionalText(20),
            usage: optionalBlob(21), error: optionalText(22), stopped: bool(23),
            intents: try RunIntents.intents(in: optionalText(24)))
        return (integer(5), run)
    }
}
