import SessionStore
import Testing

@Suite("Runs", .timeLimit(.minutes(1)))
struct RunConformanceTests {
    private static func completed(turn: Int = 0, run: Int = 1) -> TurnSettlement {
        TurnSettlement(turn: turn, run: run, status: .completed, outcome: "completed")
    }

    @Test(
        "A session whose first turn has begun is revision 0 with one open run", arguments: StoreImplementation.allCases)
    func firstTurn(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            #expect(try await store.loadSession("s") == nil)
            #expect(try await worker.begin("s", offset: 4, region: "eu") == .written(revision: 0))
            let run = worker.run("s", offset: 4, region: "eu")
            #expect(try await store.loadSession("s") == StoredSession(id: "s", openRuns: [run]))
            #expect(try await store.listSessions(after: nil, limit: 10).items.isEmpty)
            #expect(try await store.run("s/0/1") == run)
            #expect(try await store.run("s/0/2") == nil)
            #expect(try await store.run("s") == nil)
        }
    }

    @Test("A turn's settlement is written to its run", arguments: StoreImplementation.allCases)
    func settled(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            for status in RunStatus.allCases where status.isFinal {
                let session = status.rawValue
                _ = try await worker.begin(session)
                let result = try await worker.settle(session, at: 300) {
                    $0.turn = TurnSettlement(
                        turn: 0, run: 1, status: status, outcome: session, finishReason: "stop", usage: [1, 2],
                        error: "no", stopped: true)
                }
                #expect(result == .written(revision: 1))
                var run = worker.run(session)
                run.status = status
                run.endedAt = 300
                run.outcome = session
                run.finishReason = "stop"
                run.usage = [1, 2]
                run.error = "no"
                run.stopped = true
                #expect(try await store.run(run.id) == run)
                #expect(try await store.loadSession(session)?.openRuns == [])
            }
        }
    }

    @Test(
        "A run begins only from the session's revision, and only beyond every run of its turn",
        arguments: StoreImplementation.allCases)
    func refusedBegin(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            #expect(try await worker.begin("s", revision: 1).isConflict)
            #expect(try await store.loadSession("s") == nil)
            #expect(try await worker.begin("s", run: 2) == .written(revision: 0))
            for run in [1, 2] {
                #expect(try await worker.begin("s", run: run, previousEnd: (2, "crash", .crashed)).isConflict)
            }
            #expect(try await store.loadSession("s")?.openRuns == [worker.run("s", run: 2)])
            _ = try await worker.settle("s") { $0.turn = Self.completed(run: 2) }
            #expect(try await worker.begin("s", revision: 0, turn: 1).isConflict)
            #expect(try await worker.begin("s", revision: 1, turn: 1) == .written(revision: 1))
        }
    }

    @Test("A run that begins as anything but running is refused", arguments: StoreImplementation.allCases)
    func refusedStatus(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            var run = worker.run("s")
            run.status = .completed
            let ended = BeginRun(session: "s", expectedRevision: 0, run: run, fence: worker.fence)
            #expect(try await store.beginRun(ended).isConflict)
            let stray = BeginRun(session: "t", expectedRevision: 0, run: worker.run("s"), fence: worker.fence)
            #expect(try await store.beginRun(stray).isConflict)
            #expect(try await store.loadSession("s") == nil)
        }
    }

    @Test("A run that takes over records how the one before it ended", arguments: StoreImplementation.allCases)
    func takeover(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            _ = try await worker.begin("s", run: 2, previousEnd: (1, "crashed: SIGSEGV", .crashed))
            var first = worker.run("s")
            first.status = .interrupted
            first.cause = "crashed: SIGSEGV"
            first.causeKind = .crashed
            first.endedAt = 100
            #expect(try await store.loadSession("s")?.openRuns == [first, worker.run("s", run: 2)])
            #expect(try await store.openRuns(log: worker.log) == [first, worker.run("s", run: 2)])
        }
    }

    @Test("The first recorded cause of a run's end stays", arguments: StoreImplementation.allCases)
    func causeStays(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            #expect(try await worker.interrupt("s", at: 150) == .written(revision: 0))
            #expect(try await worker.interrupt("s", cause: "lost", kind: .unknown).isConflict)
            _ = try await worker.begin("s", run: 2, previousEnd: (1, "lost", .unknown))
            let first = try #require(try await store.run("s/0/1"))
            #expect(first.status == .interrupted)
            #expect(first.cause == "handover" && first.causeKind == .handover && first.endedAt == 150)
            #expect(try await worker.interrupt("s", turn: 7).isConflict)
            #expect(try await worker.interrupt("none").isConflict)
        }
    }

    @Test("A settlement closes the turn's dead runs too", arguments: StoreImplementation.allCases)
    func closesDeadRuns(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s", run: 1)
            _ = try await worker.begin("s", run: 2, previousEnd: (1, "crash", .crashed))
            // Nobody recorded how the second one ended.
            _ = try await worker.begin("s", run: 3)
            _ = try await worker.settle("s", at: 500) { $0.turn = Self.completed(run: 3) }
            #expect(try await store.loadSession("s")?.openRuns == [])
            #expect(try await store.openRuns(log: worker.log) == [])
            let runs = try await store.listRuns(session: "s", status: nil, regions: nil, cursor: nil, limit: 9).items
            #expect(runs.map(\.status) == [.completed, .interrupted, .interrupted])
            #expect(runs.map(\.endedAt) == [500, 500, 100])
            #expect(runs.map(\.cause) == [nil, nil, "crash"])
        }
    }

    @Test(
        "A turn is settled only by its latest run, once, and with a final status",
        arguments: StoreImplementation.allCases)
    func refusedSettlement(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            func settle(_ turn: TurnSettlement, revision: Int64 = 0) async throws -> WriteResult {
                try await worker.settle("s", revision: revision) {
                    $0.turn = turn
                    $0.history.append = [message("m")]
                }
            }
            #expect(try await settle(Self.completed()).isConflict)
            #expect(try await store.loadSession("s") == nil)
            _ = try await worker.begin("s", run: 1)
            _ = try await worker.begin("s", run: 2)
            let before = try await store.loadSession("s")
            #expect(try await settle(Self.completed(run: 1)).isConflict)
            #expect(try await settle(Self.completed(run: 3)).isConflict)
            #expect(try await settle(Self.completed(turn: 1)).isConflict)
            for status in [RunStatus.running, .interrupted] {
                let turn = TurnSettlement(turn: 0, run: 2, status: status, outcome: "")
                #expect(try await settle(turn).isConflict)
            }
            #expect(try await store.loadSession("s") == before)
            #expect(try await settle(Self.completed(run: 2)) == .written(revision: 1))
            #expect(try await settle(Self.completed(run: 2), revision: 1).isConflict)
        }
    }

    @Test("A settlement without a turn leaves the running run open", arguments: StoreImplementation.allCases)
    func settlementBesideARun(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s", offset: 5)
            #expect(try await worker.settle("s", offset: 4) == .written(revision: 1))
            #expect(try await store.loadSession("s")?.openRuns == [worker.run("s", offset: 5)])
            #expect(try await worker.interrupt("s") == .written(revision: 1))
        }
    }

    @Test("Open runs are told apart by log", arguments: StoreImplementation.allCases)
    func openRunsOfALog(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let first = try await Worker(store, partition: 0)
            let second = try await Worker(store, partition: 1)
            _ = try await first.begin("a")
            _ = try await second.begin("b")
            _ = try await first.begin("c", offset: 3)
            #expect(try await store.openRuns(log: first.log).map(\.session) == ["a", "c"])
            #expect(try await store.openRuns(log: second.log).map(\.session) == ["b"])
            let later = LogIdentity(cluster: "cluster", topic: "requests", partition: 0, epoch: 1)
            #expect(try await store.openRuns(log: later) == [])
        }
    }

    @Test("A run's id can be taken apart whatever the session is called")
    func runIDs() throws {
        for session in ["s", "a/b", "/", "", "1/2", "x/3/4"] {
            let parts = try #require(StoredRun.parts(ofID: StoredRun.id(session: session, turn: 3, run: 4)))
            #expect(parts.session == session && parts.turn == 3 && parts.run == 4)
        }
        for id in ["", "s", "s/1", "s/1/x", "s/x/1"] { #expect(StoredRun.parts(ofID: id) == nil) }
    }
}
