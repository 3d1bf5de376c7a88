/// The statements that change something, in the order in which a group sends them.
enum Effect: CaseIterable {
    case makeSession, changeSession, changeSessionAndControl, forwardRequest, keepPosition, dropPosition
    case dropMessages, replaceMessage, appendMessage
    case closeRun, closeEarlierRuns, dropRuns, endPreviousRun, beginRun, interruptRun, recordIntents
    case keepState, dropState, keepKey, keepNewKey, markLog

    var statement: PostgresStatement {
        switch self {
        case .makeSession: Self.makeSessionStatement
        case .changeSession: Self.changeSessionStatement
        case .changeSessionAndControl: Self.changeSessionAndControlStatement
        case .forwardRequest: Self.forwardRequestStatement
        case .keepPosition: Self.keepPositionStatement
        case .dropPosition: Self.dropPositionStatement
        case .dropMessages: Self.dropMessagesStatement
        case .replaceMessage: Self.replaceMessageStatement
        case .appendMessage: Self.appendMessageStatement
        case .closeRun: Self.closeRunStatement
        case .closeEarlierRuns: Self.closeEarlierRunsStatement
        case .dropRuns: Self.dropRunsStatement
        case .endPreviousRun: Self.endPreviousRunStatement
        case .beginRun: Self.beginRunStatement
        case .interruptRun: Self.interruptRunStatement
        case .recordIntents: Self.recordIntentsStatement
        case .keepState: Self.keepStateStatement
        case .dropState: Self.dropStateStatement
        case .keepKey: Self.keepKeyStatement
        case .keepNewKey: Self.keepNewKeyStatement
        case .markLog: Self.markLogStatement
        }
    }

    private static let makeSessionStatement = PostgresStatement(
        "make_session",
        rows: [
            "id": .text, "revision": .integer, "turns": .integer, "next_seq": .integer, "is_closed": .boolean,
            "updated_at": .integer, "message_count": .integer, "log": .integer, "log_offset": .integer,
            "applied_ahead": .text, "control_seq": .integer, "control_turn": .integer, "control_run": .integer,
            "control_kind": .text, "control_request": .bytes, "control_request_offset": .integer,
            "control_body": .bytes, "key": .integer,
        ]
    ) { given in
        """
        INSERT INTO carryon_sessions (
            id, revision, turns, next_seq, is_closed, created_at, updated_at, message_count, log, log_offset,
            applied_ahead, control_seq, control_turn, control_run, control_kind, control_request,
            control_request_offset, control_body, key
        ) SELECT
            id, revision, turns, next_seq, is_closed, updated_at, updated_at, message_count, log, log_offset,
            applied_ahead, control_seq, control_turn, control_run, control_kind, control_request,
            control_request_offset, control_body, key
        FROM \(given)
        """
    }

    private static let assignments = """
        UPDATE carryon_sessions AS s SET revision = given.revision, turns = given.turns, next_seq = given.next_seq,
            is_closed = given.is_closed, updated_at = given.updated_at, message_count = given.message_count,
            log = given.log, log_offset = given.log_offset, applied_ahead = given.applied_ahead
        """

    private static let changeSessionStatement = PostgresStatement(
        "change_session",
        rows: [
            "id": .text, "revision": .integer, "turns": .integer, "next_seq": .integer, "is_closed": .boolean,
            "updated_at": .integer, "message_count": .integer, "log": .integer, "log_offset": .integer,
            "applied_ahead": .text,
        ]
    ) { given in "\(assignments) FROM \(given) WHERE s.id = given.id" }

    private static let changeSessionAndControlStatement = PostgresStatement(
        "change_session_and_control",
        rows: [
            "id": .text, "revision": .integer, "turns": .integer, "next_seq": .integer, "is_closed": .boolean,
            "updated_at": .integer, "message_count": .integer, "log": .integer, "log_offset": .integer,
            "applied_ahead": .text, "control_seq": .integer, "control_turn": .integer, "control_run": .integer,
            "control_kind": .text, "control_request": .bytes, "control_request_offset": .integer,
            "control_body": .bytes,
        ]
    ) { given in
        """
        \(assignments), control_seq = given.control_seq, control_turn = given.control_turn,
            control_run = given.control_run, control_kind = given.control_kind,
            control_request = given.control_request, control_request_offset = given.control_request_offset,
            control_body = given.control_body
        FROM \(given) WHERE s.id = given.id
        """
    }

    private static let forwardRequestStatement = PostgresStatement(
        "forward_request",
        rows: ["id": .text, "log_offset": .integer, "topic": .text, "key": .bytes, "forwarded_offset": .integer]
    ) { given in
        """
        UPDATE carryon_sessions AS s SET log_offset = given.log_offset, forwarded_topic = given.topic,
            forwarded_key = given.key, forwarded_offset = given.forwarded_offset
        FROM \(given) WHERE s.id = given.id
        """
    }

    /// Moves the position that the session's row held out of the way of the current one.
    private static let keepPositionStatement = PostgresStatement(
        "keep_position", rows: ["session": .integer, "log": .integer, "log_offset": .integer]
    ) { given in
        """
        INSERT INTO carryon_earlier_positions (session, log, log_offset) SELECT session, log, log_offset FROM \(given)
        ON CONFLICT (session, log) DO UPDATE SET log_offset = excluded.log_offset
        """
    }

    private static let dropPositionStatement = PostgresStatement(
        "drop_position", rows: ["session": .integer, "log": .integer]
    ) { given in
        """
        DELETE FROM carryon_earlier_positions AS p USING \(given)
        WHERE p.session = given.session AND p.log = given.log
        """
    }

    private static let keepStateStatement = PostgresStatement(
        "keep_state", rows: ["session": .integer, "body": .bytes]
    ) { given in
        // A state that is the same as before is compared, and not written again.
        """
        INSERT INTO carryon_session_states AS kept (session, body) SELECT session, body FROM \(given)
        ON CONFLICT (session) DO UPDATE SET body = excluded.body WHERE kept.body <> excluded.body
        """
    }

    private static let dropStateStatement = PostgresStatement("drop_state", rows: ["session": .integer]) { given in
        "DELETE FROM carryon_session_states AS kept USING \(given) WHERE kept.session = given.session"
    }

    /// A digest, because a key may be longer than an index takes, and nobody ever asks for the key itself.
    private static let keepKeyStatement = keyStatement("keep_key")

    /// Leaves a key that the session has already where it is.
    private static let keepNewKeyStatement = keyStatement("keep_new_key", " ON CONFLICT (session, digest) DO NOTHING")

    private static func keyStatement(_ name: String, _ rest: String = "") -> PostgresStatement {
        PostgresStatement(
            name, rows: ["session": .integer, "key": .bytes, "log": .integer, "log_offset": .integer]
        ) { given in
            """
            INSERT INTO carryon_idempotency_keys (session, digest, log, log_offset)
            SELECT session, sha256(key), log, log_offset FROM \(given)\(rest)
            """
        }
    }

    private static let markLogStatement = PostgresStatement(
        "mark_log", rows: ["log": .integer, "log_offset": .integer, "fingerprint": .integer]
    ) { given in
        """
        UPDATE carryon_logs AS l SET settled_offset = given.log_offset, settled_fingerprint = given.fingerprint
        FROM \(given) WHERE l.key = given.log AND (l.settled_offset IS NULL OR l.settled_offset < given.log_offset)
        """
    }
}
