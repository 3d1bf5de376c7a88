import SessionStore
import Testing

@Suite("A store and a naive model of it", .timeLimit(.minutes(5)))
struct ModelConformanceTests {
    @Test(
        "Any sequence of operations has the model's results and leaves the model's state",
        arguments: StoreImplementation.allCases, Array(1...12) as [UInt64])
    func sameAsModel(implementation: StoreImplementation, seed: UInt64) async throws {
        try await implementation.withStore { store in
            var operations = RandomOperations(seed: seed)
            var model = ModelStore()
            for step in 0..<150 {
                let comment: Comment = "seed \(seed), step \(step)"
                let session = try await operations.step(store, &model, comment)
                let stored = try await store.loadSession(session)
                #expect(stored.map(sorted) == model.load(session).map(sorted), comment)
                #expect(try await store.sessionHead(session) == stored.map(head), comment)
            }
            try await compareAll(store, model, "seed \(seed), at the end")
        }
    }

    /// What is left without what grows with the session.
    private func head(_ session: StoredSession) -> StoredSession {
        var session = session
        session.messages = []
        session.state = nil
        session.positions = Array(session.positions.prefix(1))
        return session
    }

    private func sorted(_ session: StoredSession) -> StoredSession {
        var session = session
        session.positions.sort { ($0.log.partition, $0.log.epoch) < ($1.log.partition, $1.log.epoch) }
        return session
    }

    private func compareAll(_ store: any SessionStore, _ model: ModelStore, _ comment: Comment) async throws {
        let listed = try await store.listRuns(session: nil, status: nil, regions: nil, cursor: nil, limit: 1000).items
        #expect(listed == model.runs.map(\.run).reversed(), comment)
        for status in RunStatus.allCases {
            let page = try await store.listRuns(session: nil, status: status, regions: nil, cursor: nil, limit: 1000)
            #expect(page.items == listed.filter { $0.status == status }, comment)
        }
        for log in RandomOperations.logs {
            #expect(try await store.openRuns(log: log) == model.openRuns(log), comment)
        }
        for session in RandomOperations.sessions {
            for key in RandomOperations.keys {
                let position = try await store.idempotencyKey(session: session, key: key)
                #expect(position == model.key(key, session: session), comment)
            }
        }
        let summaries = try await store.listSessions(after: nil, limit: 100).items
        let expected = model.sessions.values.sorted { ($0.updatedAt, $0.id) > ($1.updatedAt, $1.id) }
        #expect(summaries.map(\.id) == expected.map(\.id), comment)
        #expect(summaries.map(\.messageCount) == expected.map(\.messages.count), comment)
    }
}

/// Operations of which some are right and some wrong in every way that a store must refuse.
struct RandomOperations {
    static let sessions = ["a", "b", "c"]
    static let keys = ["k0", "k1", "k2", "k3"]
    static let logs = [(0, 0), (0, 1), (1, 0)].map { partition, epoch in
        LogIdentity(cluster: "cluster", topic: "requests", partition: Int32(partition), epoch: Int64(epoch))
    }

    private var random: SeededGenerator
    private var fences: [Fence] = []
    private var offset: Int64 = 0
    private var time: Int64 = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    /// Does one operation on both and returns the session it was about.
    mutating func step(
        _ store: any SessionStore, _ model: inout ModelStore, _ comment: Comment
    ) async throws -> String {
        time += Int64(random.below(3))
        let session = Self.sessions[random.below(Self.sessions.count)]
        if fences.isEmpty || random.chance(5) {
            let partition = Int32(random.below(2))
            let fence = try await store.takeFence(
                group: "group", cluster: "cluster", topic: "requests", partition: partition)
            #expect(fence.token == model.takeFence(partition: partition), comment)
            fences.append(fence)
        }
        switch random.below(14) {
        case 0..<3:
            let begin = begin(session, model)
            let result = try await store.beginRun(begin)
            #expect(result.withoutReason == model.begin(begin), comment)
        case 3:
            let (fence, turn, run) = (fence(), random.below(4), 1 + random.below(3))
            let result = try await store.interruptRun(
                session: session, turn: turn, run: run, cause: "why", kind: .crashed, fence: fence, at: time)
            let expected = model.interrupt(
                session: session, turn: turn, run: run, cause: "why", kind: .crashed, fence: fence, at: time)
            #expect(result.withoutReason == expected, comment)
        case 4, 5:
            let open = model.load(session)?.openRuns.last
            let (turn, run) = random.chance(80) ? (open?.turn ?? 0, open?.run ?? 1) : (random.below(4), 1)
            let (calls, fence) = (calls(), fence())
            let result = try await store.recordIntents(
                session: session, turn: turn, run: run, calls: calls, fence: fence)
            let expected = model.recordIntents(session: session, turn: turn, run: run, calls: calls, fence: fence)
            #expect(result.withoutReason == expected, comment)
        case 6, 7:
            let forwarding = forwarding(session)
            let result = try await store.forward(forwarding)
            #expect(result.withoutReason == model.forward(forwarding), comment)
        default:
            let settlement = settlement(session, model)
            let result = try await store.settle(settlement)
            #expect(result.withoutReason == model.settle(settlement), comment)
        }
        return session
    }

    /// Mostly one of the newest.
    private mutating func fence() -> Fence {
        random.chance(80)
            ? fences[max(0, fences.count - 1 - random.below(2))] : fences[random.below(fences.count)]
    }

    private mutating func position(_ fence: Fence) -> LogPosition {
        offset += 1
        let log = Self.logs[random.below(Self.logs.count)]
        let matching = LogIdentity(
            cluster: log.cluster, topic: log.topic, partition: random.chance(95) ? fence.partition : log.partition,
            epoch: fence.partition == 0 ? log.epoch : 0)
        return LogPosition(log: matching, offset: random.chance(85) ? offset : Int64(random.below(20)))
    }

    private mutating func calls() -> [String] {
        (0..<random.below(3)).map { _ in "call\(random.below(6))" }
    }

    private mutating func revision(_ session: String, _ model: ModelStore) -> Int64 {
        let revision = model.sessions[session]?.revision ?? 0
        return random.chance(90) ? revision : revision + Int64(random.below(3)) - 1
    }

    private mutating func begin(_ session: String, _ model: ModelStore) -> BeginRun {
        let fence = fence()
        let turn = random.chance(85) ? model.sessions[session]?.turns ?? 0 : random.below(4)
        let begun = model.runs.filter { $0.run.session == session && $0.run.turn == turn }.map(\.run.run).max() ?? 0
        let number = random.chance(85) ? begun + 1 : 1 + random.below(3)
        let run = StoredRun(
            session: session, turn: turn, run: number, region: random.chance(50) ? "eu" : nil, host: "h",
            requestID: "r\(offset)", position: position(fence), firstSeq: offset, eventsStart: offset, startedAt: time,
            intents: random.chance(10) ? calls() : [])
        return BeginRun(
            session: session, expectedRevision: revision(session, model), run: run, fence: fence,
            previousEnd: random.chance(50) ? (number - 1, "killed", .outOfMemory) : nil)
    }

    private mutating func forwarding(_ session: String) -> Forwarding {
        let fence = fence()
        return Forwarding(
            session: session, fence: fence, position: position(fence),
            fingerprint: random.chance(80) ? offset : nil,
            request: ForwardedRequest(
                topic: "big", key: "f\(random.below(4))", offset: random.chance(60) ? offset : nil),
            idempotencyKey: random.chance(30) ? Self.keys[random.below(Self.keys.count)] : nil, at: time)
    }

    private mutating func settlement(_ session: String, _ model: ModelStore) -> Settlement {
        let fence = fence()
        let old = model.sessions[session]
        var settlement = Settlement(
            session: session, expectedRevision: revision(session, model), fence: fence, position: position(fence),
            fingerprint: random.chance(80) ? offset : nil, turns: old?.turns ?? 0,
            nextSeq: (old?.nextSeq ?? 1) + Int64(random.below(5)), isClosed: random.chance(10), at: time)
        if let open = model.load(session)?.openRuns.last, random.chance(80) {
            settlement.turn = TurnSettlement(
                turn: random.chance(95) ? open.turn : random.below(4), run: random.chance(90) ? open.run : 1,
                status: RunStatus.allCases[random.below(RunStatus.allCases.count)], outcome: "o", usage: [1],
                stopped: random.chance(50))
            settlement.turns = open.turn + 1
        }
        if random.chance(40) { settlement.state = (0..<random.below(4)).map { UInt8(random.below(3) + $0) } }
        settlement.dropsRuns = random.chance(50)
        if let open = model.load(session)?.openRuns.last, random.chance(30) {
            settlement.position = open.position
            if random.chance(70) { settlement.turn = nil }
        }
        if let open = model.load(session)?.openRuns.first, random.chance(20) { settlement.origin = open.position }
        let count = old?.messages.count ?? 0
        settlement.history.append = (0..<random.below(3)).map {
            StoredMessage(
                id: "m\(offset)-\($0)", role: "user", turn: settlement.turns, body: [UInt8(truncatingIfNeeded: offset)])
        }
        if random.chance(20) { settlement.history.keep = random.below(count + 3) - 1 }
        if random.chance(20) {
            settlement.history.replace = [
                (random.below(count + 2), StoredMessage(id: "x\(offset)", role: "assistant", turn: 0, body: []))
            ]
        }
        if random.chance(20) { settlement.idempotencyKey = Self.keys[random.below(Self.keys.count)] }
        if random.chance(20) {
            settlement.appliedAhead = (0..<random.below(3)).map {
                LogPosition(log: settlement.position.log, offset: offset + Int64($0))
            }
        }
        if random.chance(50) {
            settlement.lastControl = StoredEvent(
                seq: offset, turn: random.chance(50) ? settlement.turns : nil, run: random.chance(50) ? 1 : nil,
                control: "c", requestID: "r", requestOffset: offset, body: [7])
        }
        return settlement
    }
}
