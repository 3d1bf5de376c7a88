import GRDB

extension SQLiteSessionStore {
    package func park(_ session: ParkedSession) async throws(StoreError) {
        try await committer.submit("parking session \(session.session)") { transaction in
            try transaction.database.run(
                """
                INSERT INTO parked_sessions (session, reason, parked_at, is_releasing) VALUES (?, ?, ?, ?)
                ON CONFLICT DO UPDATE SET reason = excluded.reason, parked_at = excluded.parked_at,
                    is_releasing = excluded.is_releasing
                """,
                [
                    .text(session.session), .text(session.reason), .integer(session.since),
                    .integer(session.isReleasing),
                ])
        }
    }

    package func parkedSessions() async throws(StoreError) -> [ParkedSession] {
        try await read("listing the parked sessions") { database in
            try database.rows(Self.parks + " ORDER BY session", []) { Self.storedPark($0) }
        }
    }

    package func parkedSession(_ id: String) async throws(StoreError) -> ParkedSession? {
        try await read("asking whether session \(id) is parked") { database in
            try database.firstRow(Self.parks + " WHERE session = ?", [.text(id)]) { Self.storedPark($0) }
        }
    }

    package func beginRelease(of session: String) async throws(StoreError) {
        try await committer.submit("releasing session \(session)") { transaction in
            try transaction.database.run(
                "UPDATE parked_sessions SET is_releasing = 1 WHERE session = ?", [.text(session)])
        }
    }

    package func endRelease(of session: String, atRevision revision: Int64) async throws(StoreError) -> Bool {
        try await committer.submit("ending the release of session \(session)") { transaction in
            try transaction.endRelease(of: session, atRevision: revision)
        }
    }

    private static let parks = "SELECT session, reason, parked_at, is_releasing FROM parked_sessions"

    private static func storedPark(_ row: borrowing SQLRow) -> ParkedSession {
        ParkedSession(session: row.text(0), reason: row.text(1), since: row.integer(2), isReleasing: row.bool(3))
    }
}

extension GroupTransaction {
    func endRelease(of session: String, atRevision revision: Int64) throws -> Bool {
        let isReleasing = try database.firstRow(
            "SELECT is_releasing FROM parked_sessions WHERE session = ?", [.text(session)]
        ) { $0.bool(0) }
        guard isReleasing == true, try sessionRow(session)?.revision ?? 0 == revision else { return false }
        let hasOpenRun = try database.firstRow(
            "SELECT 1 FROM runs WHERE session = ? AND is_open = 1 LIMIT 1", [.text(session)]
        ) { _ in true }
        guard hasOpenRun == nil else { return false }
        try database.run("UPDATE sessions SET revision = revision + 1 WHERE id = ?", [.text(session)])
        try database.run("DELETE FROM parked_sessions WHERE session = ?", [.text(session)])
        return true
    }
}
