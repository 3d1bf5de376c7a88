import SessionStore
import Testing

@Suite("Intents of tool calls", .timeLimit(.minutes(1)))
struct IntentConformanceTests {
    @Test("A run's intents are read back wherever the run is", arguments: StoreImplementation.allCases)
    func roundTrip(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            let worker = try await Worker(stores[0])
            _ = try await worker.begin("s")
            #expect(try await stores[1].run("s/0/1")?.intents == [])
            let calls = ["call-1", "", "with \"quotes\" \\ and \u{0}\n", "ü🧭"]
            #expect(try await worker.intend("s", calls: calls) == .written(revision: 0))
            var run = worker.run("s")
            run.intents = calls
            for store in stores {
                #expect(try await store.run("s/0/1") == run)
                #expect(try await store.loadSession("s") == StoredSession(id: "s", openRuns: [run]))
                #expect(try await store.openRuns(log: worker.log) == [run])
                let page = try await store.listRuns(session: "s", status: nil, regions: nil, cursor: nil, limit: 9)
                #expect(page.items == [run])
            }
        }
    }

    @Test("Intents are kept in the order they were recorded, each once", arguments: StoreImplementation.allCases)
    func order(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            for calls in [["c", "a"], [], ["a", "b", "b"], ["c"], ["d"]] {
                #expect(try await worker.intend("s", calls: calls) == .written(revision: 0))
            }
            #expect(try await store.run("s/0/1")?.intents == ["c", "a", "b", "d"])
        }
    }

    @Test("Intents recorded at the same time are all kept", arguments: StoreImplementation.allCases)
    func concurrent(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            try await withThrowingTaskGroup(of: WriteResult.self) { group in
                for index in 0..<30 { group.addTask { try await worker.intend("s", calls: ["call-\(index)"]) } }
                for try await result in group { #expect(result == .written(revision: 0)) }
            }
            let intents = try #require(try await store.run("s/0/1")).intents
            #expect(intents.count == 30 && Set(intents) == Set((0..<30).map { "call-\($0)" }))
        }
    }

    @Test("A run may begin with intents", arguments: StoreImplementation.allCases)
    func fromTheBeginning(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            var run = worker.run("s")
            run.intents = ["a", "b", "a"]
            let begin = BeginRun(session: "s", expectedRevision: 0, run: run, fence: worker.fence)
            #expect(try await store.beginRun(begin) == .written(revision: 0))
            _ = try await worker.intend("s", calls: ["c", "a"])
            #expect(try await store.run("s/0/1")?.intents == ["a", "b", "c"])
        }
    }

    @Test("A dead run keeps its intents, and they are no other run's", arguments: StoreImplementation.allCases)
    func deadRun(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            _ = try await worker.begin("t")
            _ = try await worker.intend("s", calls: ["first"])
            _ = try await worker.begin("s", run: 2, previousEnd: (1, "crash", .crashed))
            _ = try await worker.intend("s", run: 2, calls: ["second"])
            _ = try await worker.interrupt("s", run: 2)
            _ = try await worker.begin("s", run: 3)
            let runs = try #require(try await store.loadSession("s")).openRuns
            #expect(runs.map(\.intents) == [["first"], ["second"], []])
            #expect(try await store.run("t/0/1")?.intents == [])
        }
    }

    @Test("A turn's settlement forgets the intents of all its runs", arguments: StoreImplementation.allCases)
    func settled(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            _ = try await worker.intend("s", calls: ["a"])
            _ = try await worker.begin("s", run: 2, previousEnd: (1, "crash", .crashed))
            _ = try await worker.intend("s", run: 2, calls: ["b"])
            _ = try await worker.settle("s") {
                $0.turn = TurnSettlement(turn: 0, run: 2, status: .completed, outcome: "completed")
            }
            #expect(try await store.run("s/0/1")?.intents == [])
            #expect(try await store.run("s/0/2")?.intents == [])
        }
    }

    @Test(
        "Only a running run takes intents, and a refusal leaves no trace", arguments: StoreImplementation.allCases)
    func refused(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            #expect(try await worker.intend("s", calls: ["a"]).isConflict)
            #expect(try await store.loadSession("s") == nil)
            _ = try await worker.begin("s")
            #expect(try await worker.intend("s", turn: 1, calls: ["a"]).isConflict)
            #expect(try await worker.intend("s", run: 2, calls: ["a"]).isConflict)
            _ = try await worker.interrupt("s")
            #expect(try await worker.intend("s", calls: ["a"]).isConflict)
            #expect(try await store.run("s/0/1")?.intents == [])
            _ = try await worker.begin("s", run: 2)
            _ = try await worker.settle("s") {
                $0.turn = TurnSettlement(turn: 0, run: 2, status: .completed, outcome: "completed")
            }
            #expect(try await worker.intend("s", run: 2, calls: ["a"]).isConflict)
            #expect(try await store.run("s/0/2")?.intents == [])
        }
    }

    @Test("Intents of a settled session's run come with its revision", arguments: StoreImplementation.allCases)
    func revision(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s")
            _ = try await worker.begin("s", revision: 1, turn: 1, offset: 1)
            #expect(try await worker.intend("s", turn: 1, calls: ["a"]) == .written(revision: 1))
            #expect(try await store.loadSession("s")?.revision == 1)
        }
    }
}
