extension Effect {
    static let closeRunStatement = PostgresStatement(
        "close_run",
        rows: [
            "key": .integer, "status": .text, "ended_at": .integer, "outcome": .text, "finish_reason": .bytes,
            "usage": .bytes, "error": .bytes, "stopped": .boolean,
        ]
    ) { given in
        """
        UPDATE carryon_runs AS r SET is_open = false, status = given.status, ended_at = given.ended_at,
            outcome = given.outcome, finish_reason = given.finish_reason, usage = given.usage, error = given.error,
            stopped = given.stopped, intents = NULL
        FROM \(given) WHERE r.key = given.key
        """
    }

    static let closeEarlierRunsStatement = PostgresStatement(
        "close_earlier_runs", rows: ["session": .text, "turn": .integer, "ended_at": .integer]
    ) { given in
        """
        UPDATE carryon_runs AS r SET is_open = false, status = 'interrupted',
            ended_at = COALESCE(r.ended_at, given.ended_at), intents = NULL
        FROM \(given) WHERE r.session = given.session AND r.turn = given.turn AND r.is_open
        """
    }

    static let dropRunsStatement = PostgresStatement(
        "drop_runs", rows: ["session": .text, "log": .integer, "log_offset": .integer]
    ) { given in
        """
        DELETE FROM carryon_runs AS r USING \(given)
        WHERE r.session = given.session AND r.is_open AND r.log = given.log AND r.log_offset = given.log_offset
        """
    }

    static let endPreviousRunStatement = PostgresStatement(
        "end_previous_run",
        rows: [
            "session": .text, "turn": .integer, "run": .integer, "cause": .bytes, "cause_kind": .text,
            "ended_at": .integer,
        ]
    ) { given in
        """
        UPDATE carryon_runs AS r SET status = 'interrupted', cause = given.cause, cause_kind = given.cause_kind,
            ended_at = given.ended_at
        FROM \(given) WHERE r.session = given.session AND r.turn = given.turn AND r.run = given.run
            AND r.status = 'running'
        """
    }

    static let beginRunStatement = PostgresStatement(
        "begin_run",
        rows: [
            "session": .text, "turn": .integer, "run": .integer, "region": .text, "host": .text,
            "request_id": .bytes, "log": .integer, "log_offset": .integer, "first_seq": .integer,
            "events_start": .integer, "started_at": .integer, "intents": .text,
        ]
    ) { given in
        """
        INSERT INTO carryon_runs (
            session, turn, run, is_open, status, region, host, request_id, log, log_offset, first_seq, events_start,
            started_at, intents, stopped
        ) SELECT
            session, turn, run, true, 'running', region, host, request_id, log, log_offset, first_seq, events_start,
            started_at, intents, false
        FROM \(given) ORDER BY nth
        """
    }

    static let interruptRunStatement = PostgresStatement(
        "interrupt_run", rows: ["key": .integer, "cause": .bytes, "cause_kind": .text, "ended_at": .integer]
    ) { given in
        """
        UPDATE carryon_runs AS r SET status = 'interrupted', cause = given.cause, cause_kind = given.cause_kind,
            ended_at = given.ended_at
        FROM \(given) WHERE r.key = given.key
        """
    }

    static let recordIntentsStatement = PostgresStatement(
        "record_intents", rows: ["key": .integer, "intents": .text]
    ) { given in
        "UPDATE carryon_runs AS r SET intents = given.intents FROM \(given) WHERE r.key = given.key"
    }
}
