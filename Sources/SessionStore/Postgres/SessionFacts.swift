/// What was found of the session of one write.
struct SessionFacts {
    struct Row {
        let key: Int64
        let revision: Int64
        let messageCount: Int
        let log: Int64
        let offset: Int64
        let appliedAhead: String

        /// From the second column on.
        init(_ row: PostgresRow) throws {
            (key, revision, messageCount) = (row.integer(1), row.integer(2), try row.int(3))
            (log, offset, appliedAhead) = (row.integer(4), row.integer(5), row.text(6))
        }
    }

    struct TurnRun {
        let key: Int64
        let run: Int
        let isOpen: Bool

        init(_ row: PostgresRow) throws {
            (key, run, isOpen) = (row.integer(1), try row.int(2), row.bool(3))
        }
    }

    struct RunningRun {
        let key: Int64
        let status: RunStatus
        let intents: [String]
        let cluster: String
        let topic: String
        let partition: Int32

        init(_ row: PostgresRow) throws {
            (key, status) = (row.integer(1), try row.named(2))
            intents = try RunIntents.intents(in: row.optionalText(3))
            (cluster, topic, partition) = (row.text(4), row.text(5), try row.int32(6))
        }
    }

    /// The newest token of the write's fence, 0 if none was ever taken.
    var token: Int64 = 0
    var row: Row?
    /// What the session's row gets for a key if it is made now.
    var newKey: Int64 = 0
    /// The highest run of the turn that is to begin.
    var latestRun: Int?
    /// Those of the turn that is to be settled, from the run that settles it on.
    var turnRuns: [TurnRun] = []
    var runningRun: RunningRun?
    var isKeyTaken = false
    /// In the log of the request that is settled or forwarded.
    var settledOffset: Int64?

    func refusal(of write: SessionWrite) -> WriteResult? {
        if let refusal = WriteRules.fence(write.fence, current: token) { return refusal }
        switch write {
        case .begin(let begin): return refusal(of: begin)
        case .settle(let settlement): return refusal(of: settlement)
        case .forward(let forwarding): return refusal(of: forwarding)
        case .interrupt(let end): return refusalOfRun(end.session, end.turn, end.run, end.fence)
        case .intend(let intent): return refusalOfRun(intent.session, intent.turn, intent.run, intent.fence)
        }
    }

    private func refusal(of begin: BeginRun) -> WriteResult? {
        if let refusal = WriteRules.beginning(begin) { return refusal }
        let revision = row?.revision ?? 0
        return WriteRules.revision(of: begin.session, expected: begin.expectedRevision, found: revision)
            ?? WriteRules.newRun(begin.run, begun: latestRun)
    }

    private func refusal(of settlement: Settlement) -> WriteResult? {
        let (name, revision) = (settlement.session, row?.revision ?? 0)
        let kept = WriteRules.kept(settlement, existing: row?.messageCount ?? 0)
        let refusal =
            WriteRules.partition(settlement.fence, of: settlement.position.log, session: name)
            ?? WriteRules.revision(of: name, expected: settlement.expectedRevision, found: revision)
            ?? WriteRules.position(settlement.position, of: name, settled: settledOffset)
            ?? WriteRules.idempotencyKey(settlement, isTaken: isKeyTaken)
            ?? WriteRules.history(settlement, kept: kept)
        if let refusal { return refusal }
        return settlement.turn.flatMap { turn in
            WriteRules.turn(turn, session: name, begun: turnRuns.map { ($0.run, $0.isOpen) })
        }
    }

    private func refusal(of forwarding: Forwarding) -> WriteResult? {
        WriteRules.partition(forwarding.fence, of: forwarding.position.log, session: forwarding.session)
            ?? WriteRules.position(forwarding.position, of: forwarding.session, settled: settledOffset)
    }

    private func refusalOfRun(_ session: String, _ turn: Int, _ run: Int, _ fence: Fence) -> WriteResult? {
        let found = runningRun.map { run in
            (
                status: run.status,
                partition: FencedPartition(
                    group: fence.group, cluster: run.cluster, topic: run.topic, partition: run.partition)
            )
        }
        return WriteRules.runningRun(session: session, turn: turn, run: run, fence: fence, found: found)
    }
}
