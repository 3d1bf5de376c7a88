extension Effect {
    static let dropMessagesStatement = PostgresStatement(
        "drop_messages", rows: ["session": .integer, "kept": .integer]
    ) { given in
        "DELETE FROM carryon_messages AS m USING \(given) WHERE m.session = given.session AND m.place >= given.kept"
    }

    static let replaceMessageStatement = PostgresStatement(
        "replace_message",
        rows: [
            "session": .integer, "place": .integer, "id": .bytes, "role": .text, "turn": .integer, "body": .bytes,
        ]
    ) { given in
        """
        UPDATE carryon_messages AS m SET id = given.id, role = given.role, turn = given.turn, body = given.body
        FROM \(given) WHERE m.session = given.session AND m.place = given.place
        """
    }

    static let appendMessageStatement = PostgresStatement(
        "append_message",
        rows: [
            "session": .integer, "place": .integer, "id": .bytes, "role": .text, "turn": .integer, "body": .bytes,
        ]
    ) { given in
        """
        INSERT INTO carryon_messages (session, place, id, role, turn, body)
        SELECT session, place, id, role, turn, body FROM \(given)
        """
    }
}
