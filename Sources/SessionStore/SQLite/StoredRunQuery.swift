import GRDB

/// What is read of runs, within one snapshot of the database.
enum StoredRunQuery {
    private static let select = """
        SELECT cluster, topic, partition, epoch, log_offset, runs.key, session, turn, run, status, cause, cause_kind,
            region, host, request_id, first_seq, events_start, started_at, ended_at, outcome, finish_reason, usage,
            error, stopped, intents
        FROM runs JOIN logs ON logs.key = runs.log
        """

    private static func decode(_ row: borrowing SQLRow) throws -> (key: Int64, run: StoredRun) {
        let run = StoredRun(
            session: row.text(6), turn: try row.int(7), run: try row.int(8), status: try row.named(9),
            cause: row.optionalText(10), causeKind: try row.optionalNamed(11), region: row.optionalText(12),
            host: row.text(13), requestID: row.text(14), position: try row.position(0), firstSeq: row.integer(15),
            eventsStart: row.integer(16), startedAt: row.integer(17), endedAt: row.optionalInteger(18),
            outcome: row.optionalText(19), finishReason: row.optionalText(20), usage: row.optionalBlob(21),
            error: row.optionalText(22), stopped: row.bool(23),
            intents: try RunIntents.intents(in: row.optionalText(24)))
        return (row.integer(5), run)
    }

    static func open(session: String, in database: Database) throws -> [StoredRun] {
        try database.rows(
            "\(select) WHERE session = ? AND is_open = 1 ORDER BY turn, run", [.text(session)], decode: decode
        ).map(\.run)
    }

    static func open(log: LogIdentity, in database: Database) throws -> [StoredRun] {
        guard let key = try database.key(of: log) else { return [] }
        return try database.rows(
            "\(select) WHERE runs.log = ? AND is_open = 1 ORDER BY runs.key", [.integer(key)], decode: decode
        ).map(\.run)
    }

    static func one(session: String, turn: Int, run: Int, in database: Database) throws -> StoredRun? {
        try database.firstRow(
            "\(select) WHERE session = ? AND turn = ? AND run = ?",
            [.text(session), .integer(turn), .integer(run)], decode: decode)?.run
    }

    static func list(
        session: String?, status: RunStatus?, regions: [String]?, before key: Int64, limit: Int,
        in database: Database
    ) throws -> Page<StoredRun> {
        var conditions = ["runs.key < ?"]
        var values: [SQLValue] = [.integer(key)]
        // A session's runs are few: its index is the one to use, and the plus sign keeps the others out of the plan.
        let others = session == nil ? "" : "+"
        if let session {
            conditions.append("session = ?")
            values.append(.text(session))
        }
        if let status {
            conditions.append("\(others)status = ?")
            values.append(.text(status.rawValue))
            // Only with the index's own condition does SQLite see that the index of uncommon runs holds all of them.
            if status != .completed { conditions.append("\(others)status <> 'completed'") }
        }
        let found: [(key: Int64, run: StoredRun)]
        if let regions {
            // Region by region: each of them is read from its index in the order wanted, and no further than needed.
            conditions.append("\(others)region = ?")
            found = try Set(regions).flatMap { region in
                try rows(conditions, values + [.text(region)], limit: limit + 1, in: database)
            }.sorted { $0.key > $1.key }
        } else {
            found = try rows(conditions, values, limit: limit + 1, in: database)
        }
        let page = found.prefix(limit)
        return Page(items: page.map(\.run), cursor: found.count > limit ? page.last.map { String($0.key) } : nil)
    }

    private static func rows(
        _ conditions: [String], _ values: [SQLValue], limit: Int, in database: Database
    ) throws -> [(key: Int64, run: StoredRun)] {
        try database.rows(
            "\(select) WHERE \(conditions.joined(separator: " AND ")) ORDER BY runs.key DESC LIMIT ?",
            values + [.integer(limit)], decode: decode)
    }
}
