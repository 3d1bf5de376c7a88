/// What a group asks before it is judged. The rows that come back begin with the number of the write that they are for,
/// or of the row that was given, from 1 on.
enum GroupStatements {
    /// A share of each fence's row: whoever takes the fence waits until the group is committed, and others with the same
    /// fence do not.
    static let fences = PostgresStatement(
        "fences", rows: ["consumer_group": .text, "cluster": .text, "topic": .text, "partition": .integer]
    ) { given in
        """
        SELECT nth, token FROM \(given) JOIN carryon_fences AS held USING (consumer_group, cluster, topic, partition)
        ORDER BY nth FOR SHARE OF held
        """
    }

    /// A session that has no row yet cannot be locked by it. Its name is locked instead, and gets the key that its row
    /// will have. The name of another table of sessions in the same database is another name.
    static let newSessions = PostgresStatement("new_sessions", rows: ["id": .text]) { given in
        """
        SELECT nth, nextval('carryon_session_keys'),
            pg_advisory_xact_lock(hashtextextended(id, 'carryon_sessions'::regclass::oid::bigint))
        FROM (
            SELECT nth, given.id FROM \(given)
            WHERE NOT EXISTS (SELECT 1 FROM carryon_sessions AS existing WHERE existing.id = given.id)
            ORDER BY given.id OFFSET 0
        ) AS missing
        """
    }

    static let sessions = PostgresStatement("sessions", rows: ["id": .text]) { given in
        """
        SELECT nth, s.key, s.revision, s.message_count, s.log, s.log_offset, s.applied_ahead
        FROM \(given) JOIN carryon_sessions AS s USING (id) ORDER BY id FOR NO KEY UPDATE OF s
        """
    }

    static let latestRuns = PostgresStatement(
        "latest_runs", rows: ["write": .integer, "session": .text, "turn": .integer]
    ) { given in
        """
        SELECT given.write, latest.run FROM \(given) CROSS JOIN LATERAL (
            SELECT r.run FROM carryon_runs AS r WHERE r.session = given.session AND r.turn = given.turn
            ORDER BY r.run DESC LIMIT 1
        ) AS latest
        """
    }

    static let turnRuns = PostgresStatement(
        "turn_runs", rows: ["write": .integer, "session": .text, "turn": .integer, "run": .integer]
    ) { given in
        """
        SELECT given.write, begun.key, begun.run, begun.is_open FROM \(given) CROSS JOIN LATERAL (
            SELECT r.key, r.run, r.is_open FROM carryon_runs AS r
            WHERE r.session = given.session AND r.turn = given.turn AND r.run >= given.run ORDER BY r.run LIMIT 2
        ) AS begun ORDER BY given.write, begun.run
        """
    }

    static let runningRuns = PostgresStatement(
        "running_runs", rows: ["write": .integer, "session": .text, "turn": .integer, "run": .integer]
    ) { given in
        """
        SELECT given.write, r.key, r.status, r.intents, l.cluster, l.topic, l.partition
        FROM \(given) JOIN carryon_runs AS r USING (session, turn, run) JOIN carryon_logs AS l ON l.key = r.log
        """
    }

    static let takenKeys = PostgresStatement(
        "taken_keys", rows: ["write": .integer, "session": .text, "key": .bytes]
    ) { given in
        """
        SELECT given.write FROM \(given) JOIN carryon_sessions AS s ON s.id = given.session
            JOIN carryon_idempotency_keys AS k ON k.session = s.key AND k.digest = sha256(given.key)
        """
    }

    static let earlierOffsets = PostgresStatement(
        "earlier_offsets", rows: ["write": .integer, "session": .integer, "log": .integer]
    ) { given in
        "SELECT given.write, p.log_offset FROM \(given) JOIN carryon_earlier_positions AS p USING (session, log)"
    }

    private static let logColumns: KeyValuePairs<String, PostgresType> = [
        "cluster": .text, "topic": .text, "partition": .integer, "epoch": .integer,
    ]

    static let logs = PostgresStatement("logs", rows: logColumns) { given in
        "SELECT nth, l.key FROM \(given) JOIN carryon_logs AS l USING (cluster, topic, partition, epoch)"
    }

    static let makeLogs = PostgresStatement("make_logs", rows: logColumns) { given in
        """
        INSERT INTO carryon_logs (cluster, topic, partition, epoch)
        SELECT cluster, topic, partition, epoch FROM \(given) ORDER BY nth ON CONFLICT DO NOTHING
        """
    }
}
