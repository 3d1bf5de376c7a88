/// The tables, and how a database of an older version becomes one of this version. They lie in the first schema of the
/// connection's `search_path`.
enum PostgresSchema {
    /// The version that a database has after migration, in `carryon_schema`.
    static var version: Int { migrations.count }

    /// One at a time may migrate, however many workers start at once. Any number will do that nobody else uses.
    private static let migrationLock: Int64 = 0x6361_7272_796F_6E31

    /// Brings the database up to ``version``. A current one is only looked at, which needs no right to change tables.
    ///
    /// - Parameter mustExist: refuses to change anything.
    /// - Throws: `schemaTooNew`; `rejected` if the database cannot be used for this; `unavailable` if it must exist and
    ///   does not; ``PostgresFailure`` if the server fails.
    static func prepare(
        _ connection: PostgresConnection, name: String, mustExist: Bool, patience: Duration
    ) throws {
        let operation = "opening PostgreSQL at \(name)"
        try check(connection, operation)
        let deadline = { ContinuousClock.Instant.now + patience }
        var found = try self.found(connection, operation, deadline())
        guard found < version else { return }
        guard !mustExist else {
            let reason =
                found == 0
                ? "there is no session store in it"
                : "its schema has version \(found), and a worker has to bring it to version \(version) first"
            throw StoreError(code: .unavailable, operation: operation, reason: reason)
        }
        // Others may be at it, and a large table may take its time.
        let long = deadline() + .seconds(120)
        // Before the transaction, not in it: whoever has waited in a transaction may still know from before that there
        // are no tables. The lock goes with the connection, if nothing else ends it.
        _ = try connection.ask([one("SELECT pg_advisory_lock(\(migrationLock))")], deadline: long)
        _ = try connection.ask([one("BEGIN")], deadline: long)
        found = try self.found(connection, operation, deadline())
        for (index, migration) in migrations.enumerated().dropFirst(found) {
            let note = "INSERT INTO carryon_schema (version) VALUES (\(index + 1))"
            _ = try connection.ask((migration + [note]).map(one), deadline: long)
        }
        let unlock = one("SELECT pg_advisory_unlock(\(migrationLock))")
        _ = try connection.ask([one("COMMIT"), unlock], deadline: long)
    }

    private static func check(_ connection: PostgresConnection, _ operation: String) throws {
        guard connection.serverVersion >= 120_000 else {
            let found = connection.parameter("server_version") ?? "\(connection.serverVersion)"
            throw StoreError(
                code: .rejected, operation: operation, reason: "the server has version \(found); 12 or newer is needed")
        }
        let encoding = connection.parameter("server_encoding") ?? "unknown"
        guard encoding == "UTF8" else {
            throw StoreError(
                code: .rejected, operation: operation,
                reason: "the database's encoding is \(encoding); it has to be UTF8, which is chosen when it is created")
        }
    }

    /// The version there is, 0 if there are no tables yet.
    private static func found(
        _ connection: PostgresConnection, _ operation: String, _ deadline: ContinuousClock.Instant
    ) throws -> Int {
        let exists = try connection.ask(
            [one("SELECT to_regclass('carryon_schema') IS NOT NULL")], deadline: deadline
        ).first?.first { $0.bool(0) }
        guard exists == true else { return 0 }
        let query = one("SELECT COALESCE(max(version), 0)::int8 FROM carryon_schema")
        let found = try connection.ask([query], deadline: deadline).first?.first { try $0.int(0) } ?? 0
        guard found <= version else {
            throw StoreError(
                code: .schemaTooNew, operation: operation,
                reason: "its schema has version \(found), and this program knows versions up to \(version)")
        }
        return max(found, 0)
    }

    private static func one(_ sql: String) -> PostgresQuery { PostgresQuery(PostgresStatement(nil, [], sql)) }

    /// Migration N leads from version N to version N + 1. A migration that was released never changes.
    static let migrations = [first, second, third]

    /// Why the tables look as they do, besides what holds for every store (see ``SQLiteSchema``):
    /// - Names are in the order of their bytes (`COLLATE "C"`), as in the other stores.
    /// - Texts that a producer, a model or a tool chooses are bytes: PostgreSQL's text cannot hold NUL.
    /// - Keys of sessions come from a sequence of their own, because a session's messages are written together with
    ///   its first row.
    /// - A run that goes on is open, so that the index of uncommon ones need not hold every run for a while.
    private static let first = [
        "CREATE TABLE carryon_schema (version integer PRIMARY KEY, migrated_at timestamptz NOT NULL DEFAULT now())",
        """
        CREATE TABLE carryon_logs (
            key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            cluster text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            epoch bigint NOT NULL,
            settled_offset bigint,
            settled_fingerprint bigint,
            UNIQUE (cluster, topic, partition, epoch)
        ) WITH (fillfactor = 50)
        """,
        """
        CREATE TABLE carryon_fences (
            consumer_group text COLLATE "C" NOT NULL,
            cluster text COLLATE "C" NOT NULL,
            topic text COLLATE "C" NOT NULL,
            partition integer NOT NULL,
            token bigint NOT NULL,
            PRIMARY KEY (consumer_group, cluster, topic, partition)
        ) WITH (fillfactor = 50)
        """,
        "CREATE SEQUENCE carryon_session_keys CACHE 32",
        """
        CREATE TABLE carryon_sessions (
            key bigint NOT NULL,
            id text COLLATE "C" PRIMARY KEY,
            revision bigint NOT NULL,
            turns bigint NOT NULL,
            next_seq bigint NOT NULL,
            is_closed boolean NOT NULL,
            created_at bigint NOT NULL,
            updated_at bigint NOT NULL,
            message_count bigint NOT NULL,
            log bigint NOT NULL,
            log_offset bigint NOT NULL,
            applied_ahead text NOT NULL,
            control_seq bigint,
            control_turn bigint,
            control_run bigint,
            control_kind text,
            control_request bytea,
            control_request_offset bigint,
            control_body bytea
        )
        """,
        "CREATE INDEX carryon_sessions_by_update ON carryon_sessions (updated_at, id)",
        """
        CREATE TABLE carryon_earlier_positions (
            session bigint NOT NULL,
            log bigint NOT NULL,
            log_offset bigint NOT NULL,
            PRIMARY KEY (session, log)
        )
        """,
        """
        CREATE TABLE carryon_messages (
            session bigint NOT NULL,
            place bigint NOT NULL,
            id bytea NOT NULL,
            role text NOT NULL,
            turn bigint NOT NULL,
            body bytea NOT NULL,
            PRIMARY KEY (session, place)
        )
        """,
        "CREATE TABLE carryon_session_states (session bigint PRIMARY KEY, body bytea NOT NULL)",
        """
        CREATE TABLE carryon_idempotency_keys (
            session bigint NOT NULL,
            digest bytea NOT NULL,
            log bigint NOT NULL,
            log_offset bigint NOT NULL,
            PRIMARY KEY (session, digest)
        )
        """,
        """
        CREATE TABLE carryon_runs (
            key bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            session text COLLATE "C" NOT NULL,
            turn bigint NOT NULL,
            run bigint NOT NULL,
            is_open boolean NOT NULL,
            status text COLLATE "C" NOT NULL,
            cause bytea,
            cause_kind text,
            region text COLLATE "C",
            host text NOT NULL,
            request_id bytea NOT NULL,
            log bigint NOT NULL,
            log_offset bigint NOT NULL,
            first_seq bigint NOT NULL,
            events_start bigint NOT NULL,
            started_at bigint NOT NULL,
            ended_at bigint,
            outcome text,
            finish_reason bytea,
            usage bytea,
            error bytea,
            stopped boolean NOT NULL,
            intents text
        )
        """,
        "CREATE UNIQUE INDEX carryon_runs_by_session ON carryon_runs (session, turn, run)",
        "CREATE INDEX carryon_open_runs_by_session ON carryon_runs (session, turn, run) WHERE is_open",
        "CREATE INDEX carryon_open_runs_by_log ON carryon_runs (log, key) WHERE is_open",
        """
        CREATE INDEX carryon_uncommon_runs_by_status ON carryon_runs (status, key)
        WHERE status <> 'completed' AND status <> 'running'
        """,
        "CREATE INDEX carryon_runs_by_region ON carryon_runs (region, key) WHERE region IS NOT NULL",
    ]

    private static let second = [
        """
        ALTER TABLE carryon_sessions ADD COLUMN forwarded_topic text, ADD COLUMN forwarded_key bytea,
            ADD COLUMN forwarded_offset bigint
        """
    ]

    private static let third = [
        """
        CREATE TABLE carryon_parked_sessions (
            session text COLLATE "C" PRIMARY KEY,
            reason bytea NOT NULL,
            parked_at bigint NOT NULL,
            is_releasing boolean NOT NULL
        )
        """
    ]
}
