extension SQLiteSessionStore {
    package func takeFence(
        group: String, cluster: String, topic: String, partition: Int32
    ) async throws(StoreError) -> Fence {
        let fenced = FencedPartition(group: group, cluster: cluster, topic: topic, partition: partition)
        return try await committer.submit("taking the fence of \(topic)/\(partition)") { transaction in
            try transaction.takeFence(fenced)
        }
    }

    package func beginRun(_ begin: BeginRun) async throws(StoreError) -> WriteResult {
        try await committer.submit("beginning run \(begin.run.id)") { transaction in
            try transaction.beginRun(begin)
        }
    }

    package func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) async throws(StoreError) -> WriteResult {
        let interruption = RunInterruption(
            session: session, turn: turn, run: run, cause: cause, kind: kind, fence: fence, at: at)
        return try await committer.submit("interrupting run \(run) of turn \(turn) of session \(session)") {
            transaction in
            try transaction.interruptRun(interruption)
        }
    }

    package func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) async throws(StoreError) -> WriteResult {
        let id = StoredRun.id(session: session, turn: turn, run: run)
        return try await committer.submit("recording the intent of tool calls of run \(id)") { transaction in
            try transaction.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
        }
    }

    package func settle(_ settlement: Settlement) async throws(StoreError) -> WriteResult {
        try await committer.submit("settling offset \(settlement.position.offset) of session \(settlement.session)") {
            transaction in
            try transaction.settle(settlement)
        }
    }

    package func forward(_ forwarding: Forwarding) async throws(StoreError) -> WriteResult {
        let (offset, session) = (forwarding.position.offset, forwarding.session)
        return try await committer.submit("forwarding offset \(offset) of session \(session)") { transaction in
            try transaction.forward(forwarding)
        }
    }

    package func identifyLog(
        cluster: String, topic: String, partition: Int32, startOffset: Int64, endOffset: Int64,
        fingerprintAt: @Sendable (Int64) async -> Int64?
    ) async throws(StoreError) -> LogIdentification {
        let operation = "identifying the log of \(topic)/\(partition)"
        return try await KnownLog.identify(
            cluster: cluster, topic: topic, partition: partition, startOffset: startOffset, endOffset: endOffset,
            fingerprintAt: fingerprintAt
        ) { () throws(StoreError) in
            try await read(operation) { database in
                try database.knownLog(cluster: cluster, topic: topic, partition: partition)
            }
        } begin: { (log, seen) throws(StoreError) in
            try await committer.submit(operation) { transaction in try transaction.beginEpoch(log, replacing: seen) }
        }
    }
}
