import GRDB

extension SQLiteSessionStore {
    package func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64? {
        let fenced = FencedPartition(group: group, cluster: cluster, topic: topic, partition: partition)
        return try await read("reading the fence of \(topic)/\(partition)") { database in
            try database.currentToken(fenced)
        }
    }

    package func knownClusters(topic: String) async throws(StoreError) -> [String] {
        try await read("looking for other clusters of \(topic)") { database in
            try database.rows(
                "SELECT DISTINCT cluster FROM logs WHERE topic = ? AND settled_offset IS NOT NULL ORDER BY cluster",
                [.text(topic)]
            ) { $0.text(0) }
        }
    }

    package func loadSession(_ id: String) async throws(StoreError) -> StoredSession? {
        try await read("loading session \(id)") { database in
            let openRuns = try StoredRunQuery.open(session: id, in: database)
            guard let row = try StoredSessionQuery.row(id, in: database) else {
                return openRuns.isEmpty ? nil : StoredSession(id: id, openRuns: openRuns)
            }
            var session = row.session
            session.openRuns = openRuns
            session.positions += try StoredSessionQuery.earlierPositions(row.key, in: database)
            session.state = try StoredSessionQuery.state(row.key, in: database)
            session.messages = try StoredSessionQuery.messages(row.key, from: 0, limit: .max, in: database)
            return session
        }
    }

    package func sessionHead(_ id: String) async throws(StoreError) -> StoredSession? {
        try await read("looking at session \(id)") { database in
            let openRuns = try StoredRunQuery.open(session: id, in: database)
            guard var session = try StoredSessionQuery.row(id, in: database)?.session else {
                return openRuns.isEmpty ? nil : StoredSession(id: id, openRuns: openRuns)
            }
            session.openRuns = openRuns
            return session
        }
    }

    package func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        try await read("looking for open runs in \(log.topic)/\(log.partition)") { database in
            try StoredRunQuery.open(log: log, in: database)
        }
    }

    package func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition? {
        try await read("looking for an idempotency key of session \(session)") { database in
            try database.firstRow(
                """
                SELECT cluster, topic, partition, epoch, idempotency_keys.log_offset
                FROM idempotency_keys JOIN sessions ON sessions.key = idempotency_keys.session
                    JOIN logs ON logs.key = idempotency_keys.log
                WHERE sessions.id = ? AND idempotency_keys.key = ?
                """, [.text(session), .text(key)]
            ) { try $0.position(0) }
        }
    }

    package func listSessions(
        after cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<SessionSummary> {
        let start: SessionCursor?
        if let cursor {
            start = try SessionCursor(text: cursor)
        } else {
            start = nil
        }
        return try await read("listing sessions") { database in
            try StoredSessionQuery.list(after: start, limit: Self.pageSize(limit), in: database)
        }
    }

    package func messages(
        session: String, afterIndex: Int?, limit: Int
    ) async throws(StoreError) -> [StoredMessage] {
        try await read("reading messages of session \(session)") { database in
            let key = try database.firstRow("SELECT key FROM sessions WHERE id = ?", [.text(session)]) {
                $0.integer(0)
            }
            guard let key, afterIndex ?? 0 < .max else { return [] }
            return try StoredSessionQuery.messages(
                key, from: afterIndex.map { $0 + 1 } ?? 0, limit: max(limit, 1), in: database)
        }
    }

    package func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun> {
        let start: Int64
        if let cursor {
            guard let key = Int64(cursor) else {
                throw StoreError(
                    code: .invalidCursor, operation: "listing runs", reason: "the cursor is not one of a list of runs")
            }
            start = key
        } else {
            start = .max
        }
        return try await read("listing runs") { database in
            try StoredRunQuery.list(
                session: session, status: status, regions: regions, before: start, limit: Self.pageSize(limit),
                in: database)
        }
    }

    package func run(_ id: String) async throws(StoreError) -> StoredRun? {
        guard let parts = StoredRun.parts(ofID: id) else { return nil }
        return try await read("reading run \(id)") { database in
            try StoredRunQuery.one(session: parts.session, turn: parts.turn, run: parts.run, in: database)
        }
    }

    private static func pageSize(_ limit: Int) -> Int { min(max(limit, 1), 1000) }
}
