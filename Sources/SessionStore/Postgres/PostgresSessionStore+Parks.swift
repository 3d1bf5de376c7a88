extension PostgresSessionStore {
    package func park(_ session: ParkedSession) async throws(StoreError) {
        let query = PostgresQuery(
            Self.parkStatement,
            [
                .text(session.session), .text(session.reason), .integer(session.since), .integer(session.isReleasing),
            ])
        try await transact("parking session \(session.session)", partition: 0) { transaction in
            _ = try transaction.ask([query])
        }
    }

    package func parkedSessions() async throws(StoreError) -> [ParkedSession] {
        try await read("listing the parked sessions", [PostgresQuery(Self.parks)]) { found in
            found.first?.map(Self.storedPark) ?? []
        }
    }

    package func parkedSession(_ id: String) async throws(StoreError) -> ParkedSession? {
        let query = PostgresQuery(Self.parkOfSession, [.text(id)])
        return try await read("asking whether session \(id) is parked", [query]) { $0.first?.first(Self.storedPark) }
    }

    package func beginRelease(of session: String) async throws(StoreError) {
        let query = PostgresQuery(Self.beginRelease, [.text(session)])
        try await transact("releasing session \(session)", partition: 0) { transaction in
            _ = try transaction.ask([query])
        }
    }

    package func endRelease(of session: String, atRevision revision: Int64) async throws(StoreError) -> Bool {
        let lock = PostgresQuery(Self.lockSession, [.text(session)])
        let end = PostgresQuery(Self.endRelease, [.text(session), .integer(revision)])
        let raise = PostgresQuery(Self.raiseRevision, [.text(session)])
        return try await transact("ending the release of session \(session)", partition: 0) { transaction in
            // A statement of its own: the next one sees what was committed while this one waited for the row.
            _ = try transaction.ask([lock])
            guard let ended = try transaction.ask([end]).first, ended.count > 0 else { return false }
            _ = try transaction.ask([raise])
            return true
        }
    }

    @Sendable private static func storedPark(_ row: PostgresRow) -> ParkedSession {
        ParkedSession(session: row.text(0), reason: row.text(1), since: row.integer(2), isReleasing: row.bool(3))
    }

    private static let parkStatement = PostgresStatement(
        "park", [.text, .bytes, .integer, .boolean],
        """
        INSERT INTO carryon_parked_sessions (session, reason, parked_at, is_releasing)
        VALUES ($1::text, $2::bytea, $3::int8, $4::bool)
        ON CONFLICT (session) DO UPDATE SET reason = excluded.reason, parked_at = excluded.parked_at,
            is_releasing = excluded.is_releasing
        """)

    private static let columns = "SELECT session, reason, parked_at, is_releasing FROM carryon_parked_sessions"

    private static let parks = PostgresStatement("parks", "\(columns) ORDER BY session")

    private static let parkOfSession = PostgresStatement(
        "park_of_session", [.text], "\(columns) WHERE session = $1::text")

    private static let beginRelease = PostgresStatement(
        "begin_release", [.text],
        "UPDATE carryon_parked_sessions SET is_releasing = true WHERE session = $1::text")

    private static let lockSession = PostgresStatement(
        "lock_session", [.text], "SELECT 1 FROM carryon_sessions WHERE id = $1::text FOR NO KEY UPDATE")

    private static let endRelease = PostgresStatement(
        "end_release", [.text, .integer],
        """
        DELETE FROM carryon_parked_sessions AS p WHERE p.session = $1::text AND p.is_releasing
            AND COALESCE((SELECT s.revision FROM carryon_sessions AS s WHERE s.id = p.session), 0) = $2::int8
            AND NOT EXISTS (SELECT 1 FROM carryon_runs AS r WHERE r.session = p.session AND r.is_open)
        RETURNING p.session
        """)

    private static let raiseRevision = PostgresStatement(
        "raise_revision", [.text], "UPDATE carryon_sessions SET revision = revision + 1 WHERE id = $1::text")
}
