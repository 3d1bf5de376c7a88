import GRDB

/// One transaction on its way: the writes of a group, one after the other, and what they have in common.
///
/// While it lasts nobody else writes, so what it has read or written of fences and logs stays true and need not be read
/// again for every write. Used by the committer's thread only.
final class GroupTransaction {
    let database: Database
    private(set) var settledSessions: [String] = []
    /// The keys of the rows of `logs`. Such rows are never deleted, so that keys that were committed stay good.
    private(set) var logKeys: [LogIdentity: Int64]
    private var fences: [FencedPartition: Int64] = [:]
    private var settledMarks: [Int64: SettledMark] = [:]

    init(database: Database, logKeys: [LogIdentity: Int64]) {
        self.database = database
        self.logKeys = logKeys
    }

    func takeFence(_ partition: FencedPartition) throws -> Fence {
        let token = try currentToken(partition) + 1
        try database.run(
            """
            INSERT INTO fences (consumer_group, cluster, topic, partition, token) VALUES (?, ?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET token = excluded.token
            """, partition.values + [.integer(token)])
        fences[partition] = token
        return partition.fence(token: token)
    }

    /// Nil if `fence` is the newest, else the refusal.
    func refusal(of fence: Fence) throws -> WriteResult? {
        WriteRules.fence(fence, current: try currentToken(FencedPartition(fence)))
    }

    private func currentToken(_ partition: FencedPartition) throws -> Int64 {
        if let known = fences[partition] { return known }
        let token = try database.currentToken(partition) ?? 0
        fences[partition] = token
        return token
    }

    /// The key of the log's row, made if there is none yet.
    func key(of log: LogIdentity) throws -> Int64 {
        if let existing = try existingKey(of: log) { return existing }
        try database.run("INSERT INTO logs (cluster, topic, partition, epoch) VALUES (?, ?, ?, ?)", log.values)
        let key = database.lastInsertedRowID
        logKeys[log] = key
        return key
    }

    /// The key of the log's row, for checks, which must not leave a trace.
    func existingKey(of log: LogIdentity) throws -> Int64? {
        if let known = logKeys[log] { return known }
        let key = try database.key(of: log)
        logKeys[log] = key
        return key
    }

    func noteSettled(session: String, log: Int64, mark: SettledMark?) {
        settledSessions.append(session)
        guard let mark, mark.offset > settledMarks[log]?.offset ?? .min else { return }
        settledMarks[log] = mark
    }

    /// Writes what was gathered over the whole group: one statement per log instead of one per settlement.
    func finish() throws {
        for (log, mark) in settledMarks {
            try database.run(
                """
                UPDATE logs SET settled_offset = ?2, settled_fingerprint = ?3
                WHERE key = ?1 AND (settled_offset IS NULL OR settled_offset < ?2)
                """, [.integer(log), .integer(mark.offset), .integer(mark.fingerprint)])
        }
        settledMarks = [:]
    }

    /// Makes `epoch` the partition's current one, provided that the log is still as it was when that was decided.
    func beginEpoch(_ log: LogIdentity, replacing seen: KnownLog?) throws -> Bool {
        try finish()
        let now = try database.knownLog(cluster: log.cluster, topic: log.topic, partition: log.partition)
        guard now == seen else { return false }
        _ = try key(of: log)
        return true
    }
}

extension Database {
    func currentToken(_ partition: FencedPartition) throws -> Int64? {
        try firstRow(
            "SELECT token FROM fences WHERE consumer_group = ? AND cluster = ? AND topic = ? AND partition = ?",
            partition.values
        ) { $0.integer(0) }
    }

    func key(of log: LogIdentity) throws -> Int64? {
        try firstRow(
            "SELECT key FROM logs WHERE cluster = ? AND topic = ? AND partition = ? AND epoch = ?", log.values
        ) { $0.integer(0) }
    }

    func knownLog(cluster: String, topic: String, partition: Int32) throws -> KnownLog? {
        try firstRow(
            """
            SELECT epoch, settled_offset, settled_fingerprint FROM logs
            WHERE cluster = ? AND topic = ? AND partition = ? ORDER BY epoch DESC LIMIT 1
            """, [.text(cluster), .text(topic), .integer(partition)]
        ) { row in
            KnownLog(
                epoch: row.integer(0),
                mark: row.optionalInteger(1).map { SettledMark(offset: $0, fingerprint: row.integer(2)) })
        }
    }
}
