extension PostgresSessionStore {
    package func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence {
        let fenced = FencedPartition(group: group, cluster: cluster, topic: topic, partition: partition)
        let query = PostgresQuery(Self.takeFence, fenced.values)
        let token = try await transact("taking the fence of \(topic)/\(partition)", partition: partition) {
            transaction in
            try transaction.ask([query]).first?.first { $0.integer(0) }
        }
        guard let token else {
            throw StoreError(
                code: .rejected, operation: "taking the fence of \(topic)/\(partition)",
                reason: "PostgreSQL returned no token")
        }
        return fenced.fence(token: token)
    }

    private static let takeFence = PostgresStatement(
        "take_fence", [.text, .text, .text, .integer],
        """
        INSERT INTO carryon_fences AS held (consumer_group, cluster, topic, partition, token)
        VALUES ($1::text, $2::text, $3::text, $4::int8, 1)
        ON CONFLICT (consumer_group, cluster, topic, partition) DO UPDATE SET token = held.token + 1 RETURNING token
        """)

    package func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        try await write("beginning run \(begin.run.id)", .begin(begin))
    }

    package func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        let interruption = RunInterruption(
            session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        return try await write(
            "interrupting run \(run) of turn \(turn) of session \(session)", .interrupt(interruption))
    }

    package func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        let intent = RunIntent(session: session, turn: turn, run: run, calls: calls, fence: fence)
        return try await write(
            "recording the intent of tool calls of run \(StoredRun.id(session: session, turn: turn, run: run))",
            .intend(intent))
    }

    package func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        try await write(
            "settling offset \(settlement.position.offset) of session \(settlement.session)", .settle(settlement))
    }

    package func forward(_ forwarding: Forwarding) async throws(StoreError) -> WriteResult {
        let (offset, session) = (forwarding.position.offset, forwarding.session)
        return try await write("forwarding offset \(offset) of session \(session)", .forward(forwarding))
    }

    package func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification {
        let operation = "identifying the log of \(topic)/\(partition)"
        let look = PostgresQuery(Self.knownLog, [.text(cluster), .text(topic), .integer(partition)])
        return try await KnownLog.identify(
            cluster: cluster, topic: topic, partition: partition, startOffset: startOffset, endOffset: endOffset,
            fingerprintAt: fingerprintAt
        ) { () throws(StoreError) in
            try await read(operation, [look]) { $0.first?.first(Self.knownLog) }
        } begin: { (log, seen) throws(StoreError) in
            try await transact(operation, partition: partition) { transaction in
                // Whoever changes what is known of the log from now on waits for this transaction's end.
                let found = try transaction.ask([
                    PostgresQuery(Self.lockLogs, [.text(cluster), .text(topic), .integer(partition)]), look,
                ])
                guard found.last?.first(Self.knownLog) == seen else { return false }
                _ = try transaction.ask([PostgresQuery(GroupStatements.makeLogs, rows: [log.values])])
                return true
            }
        }
    }

    /// The name is locked for those that find no row yet.
    private static let lockLogs = PostgresStatement(
        "lock_logs", [.text, .text, .integer],
        """
        SELECT pg_advisory_xact_lock(
            hashtextextended($1::text || '/' || $2::text || '/' || $3::int8, 'carryon_logs'::regclass::oid::bigint))
        FROM (
            SELECT count(*) FROM (
                SELECT key FROM carryon_logs WHERE cluster = $1::text AND topic = $2::text AND partition = $3::int8
                ORDER BY key FOR UPDATE
            ) AS locked
        ) AS counted
        """)

    private static let knownLog = PostgresStatement(
        "known_log", [.text, .text, .integer],
        """
        SELECT epoch, settled_offset, settled_fingerprint FROM carryon_logs
        WHERE cluster = $1::text AND topic = $2::text AND partition = $3::int8 ORDER BY epoch DESC LIMIT 1
        """)

    @Sendable private static func knownLog(_ row: PostgresRow) -> KnownLog {
        KnownLog(
            epoch: row.integer(0),
            mark: row.optionalInteger(1).map { SettledMark(offset: $0, fingerprint: row.integer(2)) })
    }

    /// A round trip on a connection that writes. Does not wait for a server that is away.
    package func probe() async throws(StoreError) {
        let reading = PostgresQuery(Self.isReadOnly)
        try await transact("probing the store", partition: 0, patience: .zero) { transaction in
            let isReadOnly = try transaction.ask([reading]).first?.first { $0.bool(0) }
            guard isReadOnly == false else {
                throw PostgresFailure.refused(state: "25006", message: "the database can only be read")
            }
        }
    }

    private static let isReadOnly = PostgresStatement(
        "is_read_only", "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool")
}
