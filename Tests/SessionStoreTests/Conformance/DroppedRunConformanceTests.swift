import SessionStore
import Testing

@Suite("Runs of requests that are no turns", .timeLimit(.minutes(1)))
struct DroppedRunConformanceTests {
    private static func completed(turn: Int = 0, run: Int = 1) -> TurnSettlement {
        TurnSettlement(turn: turn, run: run, status: .completed, outcome: "completed")
    }

    @Test(
        "A settlement without a turn that drops its runs leaves no trace of them, and the next turn begins with run 1",
        arguments: StoreImplementation.allCases)
    func noTrace(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            _ = try await worker.settle("s") { $0.turn = Self.completed() }
            // An action that kills its worker twice: a dead run, one that nobody saw die, and the one that ends it.
            _ = try await worker.begin("s", revision: 1, turn: 1, run: 1, offset: 1)
            _ = try await worker.intend("s", turn: 1, run: 1, calls: ["call"])
            _ = try await worker.begin(
                "s", revision: 1, turn: 1, run: 2, offset: 1, previousEnd: (1, "crash", .crashed))
            _ = try await worker.begin("s", revision: 1, turn: 1, run: 3, offset: 1)
            #expect(try await store.loadSession("s")?.openRuns.map(\.run) == [1, 2, 3])
            #expect(
                try await worker.settle("s", revision: 1, offset: 1) { $0.dropsRuns = true } == .written(revision: 2))

            #expect(try await store.loadSession("s")?.openRuns == [])
            #expect(try await store.openRuns(log: worker.log) == [])
            for run in 1...3 { #expect(try await store.run("s/1/\(run)") == nil) }
            let begun = try await worker.begin("s", revision: 2, turn: 1, run: 1, offset: 2)
            #expect(begun == .written(revision: 2))
            #expect(try await store.loadSession("s")?.openRuns == [worker.run("s", turn: 1, offset: 2)])
            _ = try await worker.settle("s", revision: 2, offset: 2) { $0.turn = Self.completed(turn: 1) }
            let runs = try await store.listRuns(session: "s", status: nil, regions: nil, cursor: nil, limit: 9).items
            #expect(runs.map(\.id) == ["s/1/1", "s/0/1"])
            #expect(runs.map(\.status) == [.completed, .completed])
        }
    }

    @Test(
        "Only open runs of the session whose request is at the settlement's position are dropped",
        arguments: StoreImplementation.allCases)
    func othersStay(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let elsewhere = try await Worker(store, partition: 1)
            var later = worker
            later.log = LogIdentity(cluster: "cluster", topic: "requests", partition: 0, epoch: 1)
            _ = try await worker.begin("s", offset: 5)
            _ = try await worker.settle("s", offset: 5) { $0.turn = Self.completed() }
            _ = try await worker.begin("s", revision: 1, turn: 1, offset: 5)
            let kept = [
                elsewhere.run("s", turn: 2, offset: 5), later.run("s", turn: 3, offset: 5),
                worker.run("s", turn: 4, offset: 6), worker.run("s", turn: 5, offset: 4),
            ]
            for run in kept {
                let fence = run.position.log.partition == 1 ? elsewhere.fence : worker.fence
                let begin = BeginRun(session: "s", expectedRevision: 1, run: run, fence: fence)
                #expect(try await store.beginRun(begin) == .written(revision: 1))
            }
            _ = try await worker.begin("t", offset: 5)
            #expect(
                try await worker.settle("s", revision: 1, offset: 5) { $0.dropsRuns = true } == .written(revision: 2))

            #expect(try await store.loadSession("s")?.openRuns == kept)
            #expect(try await store.loadSession("t")?.openRuns == [worker.run("t", offset: 5)])
            #expect(try await store.run("s/0/1")?.status == .completed)
            #expect(try await store.run("s/1/1") == nil)
        }
    }

    @Test("A settlement that does not drop runs leaves those of its request", arguments: StoreImplementation.allCases)
    func keptByDefault(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s", offset: 5)
            #expect(try await worker.settle("s", offset: 5) == .written(revision: 1))
            #expect(try await store.loadSession("s")?.openRuns == [worker.run("s", offset: 5)])
        }
    }

    @Test(
        "A settlement with a turn keeps its runs, whatever it says of dropping", arguments: StoreImplementation.allCases
    )
    func withTurn(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            _ = try await worker.begin("s", run: 2, previousEnd: (1, "crash", .crashed))
            let result = try await worker.settle("s") {
                $0.turn = Self.completed(run: 2)
                $0.dropsRuns = true
            }
            #expect(result == .written(revision: 1))
            #expect(try await store.run("s/0/1")?.status == .interrupted)
            #expect(try await store.run("s/0/2")?.status == .completed)
        }
    }

    @Test("A refused settlement drops nothing", arguments: StoreImplementation.allCases)
    func refused(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            #expect(try await worker.settle("s", revision: 1) { $0.dropsRuns = true }.isConflict)
            _ = try await Worker(store)
            #expect(try await worker.settle("s") { $0.dropsRuns = true } == .fenced(current: 2))
            #expect(try await store.loadSession("s")?.openRuns == [worker.run("s")])
        }
    }

    @Test("Pages of runs stay in order when the newest was dropped", arguments: StoreImplementation.allCases)
    func paging(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            for session in ["a", "b", "c"] { _ = try await worker.begin(session) }
            let first = try await store.listRuns(session: nil, status: nil, regions: nil, cursor: nil, limit: 1)
            #expect(first.items.map(\.session) == ["c"])
            _ = try await worker.settle("c") { $0.dropsRuns = true }
            _ = try await worker.begin("d")
            let rest = try await store.listRuns(
                session: nil, status: nil, regions: nil, cursor: first.cursor, limit: 9)
            #expect(rest.items.map(\.session) == ["b", "a"])
            let all = try await store.listRuns(session: nil, status: nil, regions: nil, cursor: nil, limit: 9)
            #expect(all.items.map(\.session) == ["d", "b", "a"])
        }
    }
}
