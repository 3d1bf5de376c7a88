import SessionStore
import Testing

@Suite("Settlements", .timeLimit(.minutes(1)))
struct SettlementConformanceTests {
    @Test("A settlement is read back as it was written", arguments: StoreImplementation.allCases)
    func roundTrip(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let control = StoredEvent(
                seq: 8, turn: 0, run: 1, control: "turn-complete", requestID: "r", requestOffset: 5, body: [0, 255, 7])
            let messages = [message("u", body: ""), message("a\u{0}b", body: "ü\u{0}x")]
            let result = try await worker.settle("sé/ss", offset: 5, at: 77) {
                $0.appliedAhead = [LogPosition(log: worker.log, offset: 9)]
                $0.history.append = messages
                $0.turns = 1
                $0.nextSeq = 9
                $0.isClosed = true
                $0.lastControl = control
                $0.state = [3, 0, 4]
            }
            #expect(result == .written(revision: 1))
            let expected = StoredSession(
                id: "sé/ss", revision: 1, turns: 1, nextSeq: 9, isClosed: true, createdAt: 77, updatedAt: 77,
                positions: [LogPosition(log: worker.log, offset: 5)],
                appliedAhead: [LogPosition(log: worker.log, offset: 9)], lastControl: control, state: [3, 0, 4],
                messages: messages)
            #expect(try await store.loadSession("sé/ss") == expected)
        }
    }

    @Test("A control record of no turn keeps its turn and run absent", arguments: StoreImplementation.allCases)
    func controlWithoutTurn(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let control = StoredEvent(
                seq: 1, turn: nil, run: nil, control: "expired", requestID: "", requestOffset: 0, body: [])
            _ = try await worker.settle("s") { $0.lastControl = control }
            #expect(try await store.loadSession("s")?.lastControl == control)
        }
    }

    @Test("Of two settlements from the same revision the second is refused", arguments: StoreImplementation.allCases)
    func compareAndSet(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            #expect(try await worker.settle("s") { $0.history.append = [message("a")] } == .written(revision: 1))
            let before = try await store.loadSession("s")
            for revision: Int64 in [0, 2, -1] {
                let result = try await worker.settle("s", revision: revision, offset: 1) {
                    $0.history = HistoryChange(keep: 0, append: [message("b")])
                    $0.idempotencyKey = "key"
                }
                #expect(result.isConflict)
            }
            #expect(try await store.loadSession("s") == before)
            #expect(try await store.idempotencyKey(session: "s", key: "key") == nil)
            #expect(try await worker.settle("absent", revision: 1).isConflict)
            #expect(try await store.loadSession("absent") == nil)
        }
    }

    @Test("A session keeps one position in each log", arguments: StoreImplementation.allCases)
    func positionsPerLog(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let first = try await Worker(store, partition: 0)
            let second = try await Worker(store, partition: 1)
            var later = first
            later.log = LogIdentity(cluster: "cluster", topic: "requests", partition: 0, epoch: 1)
            let elsewhere = try await Worker(store, cluster: "another cluster")
            #expect(try await first.settle("s", revision: 0, offset: 100) == .written(revision: 1))
            #expect(try await second.settle("s", revision: 1, offset: 7) == .written(revision: 2))
            #expect(try await later.settle("s", revision: 2, offset: 0) == .written(revision: 3))
            #expect(try await elsewhere.settle("s", revision: 3, offset: 3) == .written(revision: 4))
            #expect(try await first.settle("s", revision: 4, offset: 101) == .written(revision: 5))
            let positions = try #require(try await store.loadSession("s")).positions
            #expect(positions.count == 4)
            #expect(
                Set(positions) == [
                    LogPosition(log: first.log, offset: 101), LogPosition(log: second.log, offset: 7),
                    LogPosition(log: later.log, offset: 0), LogPosition(log: elsewhere.log, offset: 3),
                ])
            #expect(positions.first == LogPosition(log: first.log, offset: 101))
        }
    }

    @Test(
        "A position never goes back in its log, also after the session was in another one",
        arguments: StoreImplementation.allCases)
    func positionNeverGoesBack(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let first = try await Worker(store, partition: 0)
            let second = try await Worker(store, partition: 1)
            #expect(try await first.settle("s", revision: 0, offset: 10) == .written(revision: 1))
            #expect(try await first.settle("s", revision: 1, offset: 9).isConflict)
            #expect(try await second.settle("s", revision: 1, offset: 2) == .written(revision: 2))
            #expect(try await first.settle("s", revision: 2, offset: 9).isConflict)
            #expect(try await store.loadSession("s")?.revision == 2)
            #expect(try await first.settle("s", revision: 2, offset: 10) == .written(revision: 3))
        }
    }

    @Test("The list of offsets applied ahead stays until it is replaced", arguments: StoreImplementation.allCases)
    func appliedAhead(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let ahead = [3, 5].map { LogPosition(log: worker.log, offset: $0) }
            _ = try await worker.settle("s", revision: 0, offset: 1) { $0.appliedAhead = ahead }
            _ = try await worker.settle("s", revision: 1, offset: 1)
            #expect(try await store.loadSession("s")?.appliedAhead == ahead)
            _ = try await worker.settle("s", revision: 2, offset: 6) { $0.appliedAhead = [] }
            #expect(try await store.loadSession("s")?.appliedAhead == [])
        }
    }

    @Test("A settlement without a control record keeps the last one", arguments: StoreImplementation.allCases)
    func controlStays(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let control = StoredEvent(
                seq: 4, turn: 0, run: 1, control: "turn-complete", requestID: "r", requestOffset: 0, body: [1])
            _ = try await worker.settle("s", revision: 0, at: 10) { $0.lastControl = control }
            _ = try await worker.settle("s", revision: 1, at: 20)
            let session = try #require(try await store.loadSession("s"))
            #expect(session.lastControl == control)
            #expect(session.createdAt == 10 && session.updatedAt == 20)
        }
    }

    @Test(
        "A session is amended after the fact, at the position it has: history and state change, the rest stays",
        arguments: StoreImplementation.allCases, [nil, 100] as [Int64?])
    func amendment(implementation: StoreImplementation, fingerprint: Int64?) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let control = StoredEvent(
                seq: 4, turn: 0, run: 1, control: "turn-complete", requestID: "r", requestOffset: 10, body: [1])
            _ = try await worker.begin("s", offset: 10)
            _ = try await worker.settle("s", offset: 10) {
                $0.turn = TurnSettlement(turn: 0, run: 1, status: .completed, outcome: "completed")
                $0.history.append = [message("a"), message("b"), message("c")]
                $0.state = [1]
                $0.idempotencyKey = "key"
                $0.lastControl = control
            }
            // The log goes on meanwhile; the amendment must not take its mark back to the older record.
            _ = try await worker.settle("t", offset: 20)
            var expected = try #require(try await store.loadSession("s"))
            let amendments: [(change: HistoryChange, state: [UInt8]?, messages: [String])] = [
                (HistoryChange(keep: 2, replace: [(0, message("A"))], append: [message("d")]), [2], ["A", "b", "d"]),
                (HistoryChange(keep: 0, append: [message("sum")]), nil, ["sum"]),
            ]
            for (change, state, messages) in amendments {
                let result = try await worker.settle("s", revision: expected.revision, offset: 10, at: 3000) {
                    $0.fingerprint = fingerprint
                    $0.history = change
                    $0.state = state
                }
                expected.revision += 1
                expected.updatedAt = 3000
                expected.messages = messages.map { message($0) }
                expected.state = [2]
                #expect(result == .written(revision: expected.revision))
                #expect(try await store.loadSession("s") == expected)
            }
            #expect(expected.revision == 3 && expected.lastControl == control)
            #expect(try await store.run("s/0/1")?.status == .completed)
            #expect(try await store.idempotencyKey(session: "s", key: "key")?.offset == 10)
            let shortened = try await store.identifyLog(
                cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: 20
            ) { $0 * 10 }
            #expect(shortened.isNewEpoch, "the mark is at offset 20")
        }
    }

    @Test(
        "Amending the session that was settled last leaves the record that its log is recognised by",
        arguments: StoreImplementation.allCases, [nil, 100] as [Int64?])
    func amendmentAtMark(implementation: StoreImplementation, fingerprint: Int64?) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 10)
            let amended = try await worker.settle("s", revision: 1, offset: 10) { $0.fingerprint = fingerprint }
            #expect(amended == .written(revision: 2))
            for (record, isNewEpoch) in [(100, false), (101, true)] as [(Int64, Bool)] {
                let found = try await store.identifyLog(
                    cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: 30
                ) { $0 == 10 ? record : nil }
                #expect(found.isNewEpoch == isNewEpoch)
            }
        }
    }

    @Test("Messages are appended, replaced and cut off", arguments: StoreImplementation.allCases)
    func history(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let steps: [(HistoryChange, [String])] = [
                (HistoryChange(append: [message("a"), message("b"), message("c")]), ["a", "b", "c"]),
                (HistoryChange(replace: [(1, message("B"))], append: [message("d")]), ["a", "B", "c", "d"]),
                (HistoryChange(keep: 3, append: [message("e")]), ["a", "B", "c", "e"]),
                (HistoryChange(keep: 99), ["a", "B", "c", "e"]),
                (HistoryChange(keep: 1, replace: [(0, message("A"))]), ["A"]),
                (HistoryChange(keep: 0, append: [message("f"), message("g")]), ["f", "g"]),
                (HistoryChange(keep: 0), []),
            ]
            for (step, (change, expected)) in steps.enumerated() {
                #expect(
                    try await worker.settle("s", revision: Int64(step)) { $0.history = change }
                        == .written(revision: Int64(step) + 1))
                #expect(try await store.loadSession("s")?.messages == expected.map { message($0) })
            }
        }
    }

    @Test("A change to messages that are not there is refused", arguments: StoreImplementation.allCases)
    func historyOutOfBounds(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s") { $0.history.append = [message("a"), message("b")] }
            let before = try await store.loadSession("s")
            let changes = [
                HistoryChange(keep: -1), HistoryChange(replace: [(2, message("x"))]),
                HistoryChange(replace: [(-1, message("x"))]), HistoryChange(keep: 1, replace: [(1, message("x"))]),
            ]
            for change in changes {
                #expect(try await worker.settle("s", revision: 1) { $0.history = change }.isConflict)
            }
            #expect(try await store.loadSession("s") == before)
        }
    }

    @Test("An idempotency key is taken once per session", arguments: StoreImplementation.allCases)
    func idempotencyKeys(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let keys = ["k", "K", "k\u{0}1", "k\u{0}2", String(repeating: "é", count: 2048), ""]
            for (index, key) in keys.enumerated() {
                let result = try await worker.settle("s", revision: Int64(index), offset: Int64(index)) {
                    $0.idempotencyKey = key
                }
                #expect(result == .written(revision: Int64(index) + 1))
            }
            let before = try await store.loadSession("s")
            for (index, key) in keys.enumerated() {
                let position = LogPosition(log: worker.log, offset: Int64(index))
                #expect(try await store.idempotencyKey(session: "s", key: key) == position)
                let again = try await worker.settle("s", revision: Int64(keys.count), offset: 50) {
                    $0.idempotencyKey = key
                    $0.history.append = [message("again")]
                }
                #expect(again.isConflict)
            }
            #expect(try await store.loadSession("s") == before)
            #expect(try await store.idempotencyKey(session: "s", key: "k\u{0}") == nil)
            #expect(try await store.idempotencyKey(session: "t", key: "k") == nil)
            #expect(try await worker.settle("t") { $0.idempotencyKey = "k" } == .written(revision: 1))
        }
    }

    @Test("Settlements of many sessions at once are all written", arguments: StoreImplementation.allCases)
    func manyAtOnce(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            let workers = [
                try await Worker(stores[0], partition: 0), try await Worker(stores[1], partition: 1),
            ]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<100 {
                    let worker = workers[index % 2]
                    group.addTask {
                        for turn in 0..<5 {
                            let result = try await worker.settle(
                                "s\(index)", revision: Int64(turn), offset: Int64(turn)
                            ) {
                                $0.history.append = [message("m\(turn)")]
                            }
                            #expect(result == .written(revision: Int64(turn) + 1))
                        }
                    }
                }
                try await group.waitForAll()
            }
            for index in 0..<100 {
                // Through the store that did not write it.
                let session = try await stores[(index + 1) % 2].loadSession("s\(index)")
                #expect(session?.revision == 5)
                #expect(session?.messages == (0..<5).map { message("m\($0)") })
            }
        }
    }

    @Test(
        "Of many settlements from one revision, over two stores, exactly one is written",
        arguments: StoreImplementation.allCases)
    func race(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            let worker = try await Worker(stores[0])
            let results = try await withThrowingTaskGroup(of: WriteResult.self) { group in
                for index in 0..<60 {
                    let settlement = worker.settlement("s") { $0.history.append = [message("m\(index)")] }
                    let store = stores[index % 2]
                    group.addTask { try await store.settle(settlement) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(results.count { $0 == .written(revision: 1) } == 1)
            #expect(results.count { $0.isConflict } == 59)
            #expect(try await stores[0].loadSession("s")?.messages.count == 1)
        }
    }
}
