import SessionStore
import Testing

@Suite("Parked sessions", .timeLimit(.minutes(1)))
struct ParkConformanceTests {
    private func park(_ session: String, _ reason: String = "broken", since: Int64 = 5) -> ParkedSession {
        ParkedSession(session: session, reason: reason, since: since)
    }

    @Test(
        "Parked sessions are listed in order, also those that were never settled",
        arguments: StoreImplementation.allCases)
    func listing(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            #expect(try await store.parkedSessions() == [])
            #expect(try await store.parkedSession("b") == nil)
            try await store.park(park("b"))
            try await store.park(park("a", "all\u{0} kinds of \"words\", é", since: .max))
            try await store.park(park("B"))
            #expect(
                try await store.parkedSessions() == [
                    park("B"), park("a", "all\u{0} kinds of \"words\", é", since: .max), park("b"),
                ])
            #expect(try await store.parkedSession("b") == park("b"))
            #expect(try await store.parkedSession("c") == nil)
            #expect(try await store.loadSession("b") == nil)
        }
    }

    @Test(
        "A session that is parked again has the new reason, and is released no further",
        arguments: StoreImplementation.allCases)
    func again(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            try await store.park(park("s"))
            try await store.beginRelease(of: "s")
            #expect(try await store.parkedSession("s")?.isReleasing == true)
            try await store.park(park("s", "still broken", since: 9))
            #expect(try await store.parkedSessions() == [park("s", "still broken", since: 9)])
            #expect(try await store.endRelease(of: "s", atRevision: 0) == false)
            #expect(try await store.parkedSession("s") != nil)
        }
    }

    @Test("A release of what is not parked parks nothing, and does not end", arguments: StoreImplementation.allCases)
    func nothingToRelease(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s")
            try await store.beginRelease(of: "s")
            #expect(try await store.parkedSessions() == [])
            #expect(try await store.endRelease(of: "s", atRevision: 1) == false)
            #expect(try await store.loadSession("s")?.revision == 1)
        }
    }

    @Test(
        "A release ends at the session's revision only, which it raises: what was decided before is a conflict",
        arguments: StoreImplementation.allCases)
    func atRevision(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s")
            try await store.park(park("s"))
            try await store.park(park("other"))
            #expect(try await store.endRelease(of: "s", atRevision: 1) == false)
            try await store.beginRelease(of: "s")
            _ = try await worker.settle("s", revision: 1, offset: 1)
            #expect(try await store.endRelease(of: "s", atRevision: 1) == false)
            #expect(try await store.endRelease(of: "s", atRevision: 2) == true)
            #expect(try await store.parkedSessions() == [park("other")])
            #expect(try await worker.settle("s", revision: 2, offset: 2).isConflict)
            #expect(try await worker.settle("s", revision: 3, offset: 2) == .written(revision: 4))
        }
    }

    @Test("A release does not end while a turn of the session is open", arguments: StoreImplementation.allCases)
    func openRun(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("s")
            try await store.park(park("s"))
            try await store.beginRelease(of: "s")
            #expect(try await store.endRelease(of: "s", atRevision: 0) == false)
            _ = try await worker.settle("s") {
                $0.turn = TurnSettlement(turn: 0, run: 1, status: .completed, outcome: "completed", stopped: false)
            }
            #expect(try await store.endRelease(of: "s", atRevision: 1) == true)
        }
    }

    @Test("The release of a session that was never settled ends", arguments: StoreImplementation.allCases)
    func unknownSession(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            try await store.park(park("s"))
            try await store.beginRelease(of: "s")
            #expect(try await store.endRelease(of: "s", atRevision: 0) == true)
            #expect(try await store.parkedSession("s") == nil)
            #expect(try await Worker(store).settle("s") == .written(revision: 1))
        }
    }

    @Test("Parks outlive the store that made them", arguments: StoreImplementation.allCases)
    func shared(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            try await stores[0].park(park("s"))
            try await stores[0].close()
            #expect(try await stores[1].parkedSession("s") == park("s"))
        }
    }
}
