import GRDB

/// The tables, and how a file of an older version becomes one of this version.
enum SQLiteSchema {
    /// The version that a file has after migration, in `PRAGMA user_version`.
    static var version: Int { migrations.count }

    /// Brings the file up to ``version``. Nobody else may write meanwhile.
    static func migrate(_ database: Database, path: String) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
        guard found <= version else {
            throw StoreError(
                code: .schemaTooNew, operation: "opening \(path)",
                reason: "its schema has version \(found), and this program knows versions up to \(version)")
        }
        for (index, migration) in migrations.enumerated().dropFirst(max(found, 0)) {
            try database.inTransaction(.immediate) {
                try database.execute(sql: migration)
                try database.execute(sql: "PRAGMA user_version = \(index + 1)")
                return .commit
            }
        }
    }

    /// Migration N leads from version N to version N + 1. A migration that was released never changes.
    static let migrations = [first, second, third, fourth]

    /// Why the tables look as they do:
    /// - A session's latest position is in its row, so that a settlement touches no other page for it. Positions in
    ///   other logs are in `earlier_positions`.
    /// - Messages are found by the session's integer key, which goes up: the histories of young sessions are
    ///   neighbours.
    /// - A run is `is_open` until its turn is settled; the indexes of open runs stay small for ever.
    private static let first = """
        CREATE TABLE logs (
            key INTEGER PRIMARY KEY,
            cluster TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            settled_offset INTEGER,
            settled_fingerprint INTEGER,
            UNIQUE (cluster, topic, partition, epoch)
        ) STRICT;
        CREATE TABLE fences (
            consumer_group TEXT NOT NULL,
            cluster TEXT NOT NULL,
            topic TEXT NOT NULL,
            partition INTEGER NOT NULL,
            token INTEGER NOT NULL,
            PRIMARY KEY (consumer_group, cluster, topic, partition)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE sessions (
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            revision INTEGER NOT NULL,
            turns INTEGER NOT NULL,
            next_seq INTEGER NOT NULL,
            is_closed INTEGER NOT NULL,
            created_at INTEGER NOT NULL,
            updated_at INTEGER NOT NULL,
            message_count INTEGER NOT NULL,
            log INTEGER NOT NULL REFERENCES logs,
            log_offset INTEGER NOT NULL,
            applied_ahead TEXT NOT NULL,
            control_seq INTEGER,
            control_turn INTEGER,
            control_run INTEGER,
            control_kind TEXT,
            control_request TEXT,
            control_request_offset INTEGER,
            control_body BLOB
        ) STRICT;
        CREATE INDEX sessions_by_update ON sessions (updated_at, id);
        CREATE TABLE earlier_positions (
            session INTEGER NOT NULL,
            log INTEGER NOT NULL REFERENCES logs,
            log_offset INTEGER NOT NULL,
            PRIMARY KEY (session, log)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE messages (
            session INTEGER NOT NULL,
            place INTEGER NOT NULL,
            id TEXT NOT NULL,
            role TEXT NOT NULL,
            turn INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (session, place)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE idempotency_keys (
            session INTEGER NOT NULL,
            key TEXT NOT NULL,
            log INTEGER NOT NULL REFERENCES logs,
            log_offset INTEGER NOT NULL,
            PRIMARY KEY (session, key)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE runs (
            key INTEGER PRIMARY KEY,
            session TEXT NOT NULL,
            turn INTEGER NOT NULL,
            run INTEGER NOT NULL,
            is_open INTEGER NOT NULL,
            status TEXT NOT NULL,
            cause TEXT,
            cause_kind TEXT,
            region TEXT,
            host TEXT NOT NULL,
            request_id TEXT NOT NULL,
            log INTEGER NOT NULL REFERENCES logs,
            log_offset INTEGER NOT NULL,
            first_seq INTEGER NOT NULL,
            events_start INTEGER NOT NULL,
            started_at INTEGER NOT NULL,
            ended_at INTEGER,
            outcome TEXT,
            finish_reason TEXT,
            usage BLOB,
            error TEXT,
            stopped INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX runs_by_session ON runs (session, turn, run);
        CREATE INDEX open_runs_by_session ON runs (session, turn, run) WHERE is_open = 1;
        CREATE INDEX open_runs_by_log ON runs (log) WHERE is_open = 1;
        CREATE INDEX uncommon_runs_by_status ON runs (status) WHERE status <> 'completed';
        CREATE INDEX runs_by_region ON runs (region) WHERE region IS NOT NULL;
        """

    /// A session's state has a table of its own: it may be large, and the session's row is rewritten with every
    /// settlement.
    private static let second = """
        ALTER TABLE runs ADD COLUMN intents TEXT;
        CREATE TABLE session_states (
            session INTEGER PRIMARY KEY,
            body BLOB NOT NULL
        ) STRICT;
        """

    private static let third = """
        ALTER TABLE sessions ADD COLUMN forwarded_topic TEXT;
        ALTER TABLE sessions ADD COLUMN forwarded_key TEXT;
        ALTER TABLE sessions ADD COLUMN forwarded_offset INTEGER;
        """

    /// By the session's name: one may be parked before anything of it is settled.
    private static let fourth = """
        CREATE TABLE parked_sessions (
            session TEXT PRIMARY KEY,
            reason TEXT NOT NULL,
            parked_at INTEGER NOT NULL,
            is_releasing INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
