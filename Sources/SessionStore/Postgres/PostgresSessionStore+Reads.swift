extension PostgresSessionStore {
    package func currentFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Int64? {
        let fenced = FencedPartition(group: group, cluster: cluster, topic: topic, partition: partition)
        let query = PostgresQuery(ReadStatements.fence, fenced.values)
        return try await read("reading the fence of \(topic)/\(partition)", [query]) { found in
            found.first?.first { $0.integer(0) }
        }
    }

    package func knownClusters(topic: String) async throws(StoreError) -> [String] {
        let query = PostgresQuery(ReadStatements.clusters, [.text(topic)])
        return try await read("looking for other clusters of \(topic)", [query]) { found in
            found.first?.map { $0.text(0) } ?? []
        }
    }

    package func loadSession(_ id: String) async throws(StoreError) -> StoredSession? {
        try await read("loading session \(id)", SessionLoad.queries(id)) { found in
            try SessionLoad.session(id, found)
        }
    }

    package func sessionHead(_ id: String) async throws(StoreError) -> StoredSession? {
        try await read("looking at session \(id)", SessionLoad.headQueries(id)) { found in
            try SessionLoad.head(id, found)
        }
    }

    package func openRuns(log: LogIdentity) async throws(StoreError) -> [StoredRun] {
        let query = PostgresQuery(ReadStatements.openRunsOfLog, log.values)
        return try await read("looking for open runs in \(log.topic)/\(log.partition)", [query]) { found in
            try found.first?.map { try $0.run().run } ?? []
        }
    }

    package func idempotencyKey(session: String, key: String) async throws(StoreError) -> LogPosition? {
        let query = PostgresQuery(ReadStatements.idempotencyKey, [.text(session), .text(key)])
        return try await read("looking for an idempotency key of session \(session)", [query]) { found in
            try found.first?.first { try $0.position(0) }
        }
    }

    package func listSessions(after cursor: String?, limit: Int) async throws(StoreError) -> Page<SessionSummary> {
        let size = Self.pageSize(limit)
        var query = PostgresQuery(ReadStatements.firstSessions, [.integer(size + 1)])
        if let cursor {
            let start = try SessionCursor(text: cursor)
            query = PostgresQuery(
                ReadStatements.nextSessions, [.integer(size + 1), .integer(start.updatedAt), .text(start.id)])
        }
        return try await read("listing sessions", [query]) { found in
            let summaries = try found.first?.map { row in
                SessionSummary(
                    id: row.text(0), revision: row.integer(1), turns: try row.int(2), messageCount: try row.int(3),
                    isClosed: row.bool(4), createdAt: row.integer(5), updatedAt: row.integer(6))
            }
            let page = Array((summaries ?? []).prefix(size))
            let next = page.last.map { SessionCursor(updatedAt: $0.updatedAt, id: $0.id).text }
            return Page(items: page, cursor: (summaries?.count ?? 0) > size ? next : nil)
        }
    }

    package func messages(
        session: String, afterIndex: Int?, limit: Int
    ) async throws(StoreError) -> [StoredMessage] {
        guard afterIndex ?? 0 < .max else { return [] }
        let query = PostgresQuery(
            ReadStatements.messages,
            [.text(session), .integer(afterIndex.map { $0 + 1 } ?? 0), .integer(max(limit, 1))])
        return try await read("reading messages of session \(session)", [query]) { found in
            try found.first?.map { try $0.message() } ?? []
        }
    }

    package func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) async throws(StoreError) -> Page<StoredRun> {
        var start = Int64.max
        if let cursor {
            guard let key = Int64(cursor) else {
                throw StoreError(
                    code: .invalidCursor, operation: "listing runs", reason: "the cursor is not one of a list of runs")
            }
            start = key
        }
        let size = Self.pageSize(limit)
        let query: PostgresQuery
        do {
            query = try RunList(session: session, status: status, regions: regions)
                .query(before: start, limit: size + 1)
        } catch {
            throw StoreError(error, while: "listing runs")
        }
        return try await read("listing runs", [query]) { found in
            let runs = try found.first?.map { try $0.run() } ?? []
            let page = runs.prefix(size)
            return Page(items: page.map(\.run), cursor: runs.count > size ? page.last.map { String($0.key) } : nil)
        }
    }

    package func run(_ id: String) async throws(StoreError) -> StoredRun? {
        guard let parts = StoredRun.parts(ofID: id) else { return nil }
        let query = PostgresQuery(
            ReadStatements.run, [.text(parts.session), .integer(parts.turn), .integer(parts.run)])
        return try await read("reading run \(id)", [query]) { found in try found.first?.first { try $0.run().run } }
    }

    private static func pageSize(_ limit: Int) -> Int { min(max(limit, 1), 1000) }
}
