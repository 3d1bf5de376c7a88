import SessionStore
import Testing

@Suite("Requests that go to another topic", .timeLimit(.minutes(1)))
struct ForwardConformanceTests {
    /// A worker of the topic that requests are forwarded to.
    private func otherWorker(beside worker: Worker) async throws -> Worker {
        var other = worker
        other.fence = try await worker.store.takeFence(group: "big", cluster: "cluster", topic: "big", partition: 0)
        other.log = LogIdentity(cluster: "cluster", topic: "big", partition: 0, epoch: 0)
        return other
    }

    @Test("A decision is on record, and the request is not settled by it", arguments: StoreImplementation.allCases)
    func decision(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            #expect(try await worker.settle("s", offset: 3) == .written(revision: 1))
            #expect(try await worker.forward("s", offset: 5, key: "k") == .written(revision: 1))
            let session = try #require(try await store.loadSession("s"))
            #expect(session.forwarded == ForwardedRequest(topic: "big", key: "from 5", offset: nil))
            #expect(session.positions == [LogPosition(log: worker.log, offset: 3)])
            #expect(try await store.idempotencyKey(session: "s", key: "k")?.offset == 5)
        }
    }

    @Test(
        "A request that is there moves the position in its log, and leaves the rest of the session as it is",
        arguments: StoreImplementation.allCases)
    func settled(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 3) { $0.history.append = [message("u")] }
            _ = try await worker.begin("s", revision: 1, turn: 1, offset: 5)
            let before = try #require(try await store.loadSession("s"))
            for _ in 0..<2 {
                #expect(try await worker.forward("s", offset: 5, to: 7, at: 9000) == .written(revision: 1))
            }
            var expected = before
            expected.forwarded = ForwardedRequest(topic: "big", key: "from 5", offset: 7)
            expected.positions = [LogPosition(log: worker.log, offset: 5)]
            #expect(try await store.loadSession("s") == expected)
        }
    }

    @Test(
        "A session that begins with a forwarded request is at revision 0 and listed, and its first settlement follows",
        arguments: StoreImplementation.allCases)
    func newSession(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            #expect(try await worker.begin("s") == .written(revision: 0))
            #expect(try await worker.forward("s", key: "k") == .written(revision: 0))
            let decided = try #require(try await store.loadSession("s"))
            #expect((decided.revision, decided.turns, decided.nextSeq) == (0, 0, 1))
            #expect(decided.positions.map(\.offset) == [-1])
            #expect(decided.openRuns.count == 1)
            #expect(try await worker.forward("s", to: 0) == .written(revision: 0))
            #expect(try await store.loadSession("s")?.positions.map(\.offset) == [0])
            #expect(try await store.listSessions(after: nil, limit: 10).items.map(\.id) == ["s"])

            let other = try await otherWorker(beside: worker)
            #expect(try await other.begin("s", run: 2) == .written(revision: 0))
            let result = try await other.settle("s") {
                $0.turn = TurnSettlement(turn: 0, run: 2, status: .completed, outcome: "completed")
            }
            #expect(result == .written(revision: 1))
            let session = try #require(try await store.loadSession("s"))
            #expect(session.openRuns == [] && session.createdAt == 1000)
            #expect(session.forwarded?.offset == 0)
        }
    }

    @Test(
        "The other topic's settlement and this side's positions do not get in each other's way, and the log of the last settlement comes first",
        arguments: StoreImplementation.allCases)
    func bothSides(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let other = try await otherWorker(beside: worker)
            #expect(try await worker.settle("s", offset: 3) == .written(revision: 1))
            #expect(try await worker.forward("s", offset: 5, to: 0) == .written(revision: 1))
            #expect(try await other.settle("s", revision: 1, offset: 0) == .written(revision: 2))
            func positions() async throws -> [LogPosition]? { try await store.loadSession("s")?.positions }
            let there = LogPosition(log: other.log, offset: 0)
            #expect(try await positions() == [there, LogPosition(log: worker.log, offset: 5)])
            #expect(try await worker.forward("s", offset: 6, to: 1) == .written(revision: 2))
            #expect(try await positions() == [there, LogPosition(log: worker.log, offset: 6)])
            #expect(try await worker.settle("s", revision: 2, offset: 7) == .written(revision: 3))
            #expect(try await positions() == [LogPosition(log: worker.log, offset: 7), there])
        }
    }

    @Test("What the session is beyond is a conflict, and leaves no trace", arguments: StoreImplementation.allCases)
    func beyond(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 6)
            let before = try await store.loadSession("s")
            #expect(try await worker.forward("s", offset: 5, to: 0, key: "k").isConflict)
            #expect(try await store.loadSession("s") == before)
            #expect(try await store.idempotencyKey(session: "s", key: "k") == nil)
        }
    }

    @Test(
        "Invariant 4: whoever has lost the partition can neither decide nor settle",
        arguments: StoreImplementation.allCases)
    func fenced(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let old = try await Worker(store)
            let new = try await Worker(store)
            #expect(try await old.forward("s") == .fenced(current: new.fence.token))
            #expect(try await old.forward("s", to: 0) == .fenced(current: new.fence.token))
            #expect(try await store.loadSession("s") == nil)
            var elsewhere = new
            elsewhere.fence = try await store.takeFence(
                group: "group", cluster: "cluster", topic: "requests", partition: 1)
            #expect(try await elsewhere.forward("s").isConflict)
        }
    }

    @Test("A key that the session has already stays where it is", arguments: StoreImplementation.allCases)
    func takenKey(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 3) { $0.idempotencyKey = "k" }
            #expect(try await worker.forward("s", offset: 5, to: 0, key: "k") == .written(revision: 1))
            #expect(try await store.idempotencyKey(session: "s", key: "k")?.offset == 3)
        }
    }

    @Test("The log is known by a forwarded request's record", arguments: StoreImplementation.allCases)
    func mark(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.forward("s", offset: 5)
            #expect(try await store.knownClusters(topic: "requests") == [])
            _ = try await worker.forward("s", offset: 5, to: 0)
            #expect(try await store.knownClusters(topic: "requests") == ["cluster"])
            let found = try await store.identifyLog(
                cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: 5
            ) { _ in nil }
            #expect(found.isNewEpoch)
        }
    }

    @Test(
        "A settlement without a turn drops the runs of its request's first place too",
        arguments: StoreImplementation.allCases)
    func droppedOrigin(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let other = try await otherWorker(beside: worker)
            _ = try await worker.begin("s", offset: 5)
            _ = try await worker.forward("s", offset: 5, to: 0)
            _ = try await other.begin("s", run: 2)
            let result = try await other.settle("s") {
                $0.dropsRuns = true
                $0.origin = LogPosition(log: worker.log, offset: 5)
                $0.turns = 0
            }
            #expect(result == .written(revision: 1))
            #expect(try await store.loadSession("s")?.openRuns == [])
            #expect(
                try await store.listRuns(session: "s", status: nil, regions: nil, cursor: nil, limit: 10).items == [])
        }
    }
}
