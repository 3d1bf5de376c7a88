import SessionStore
import Testing

@Suite("Lists", .timeLimit(.minutes(1)))
struct PagingConformanceTests {
    @Test("Sessions are listed latest update first, in pages", arguments: StoreImplementation.allCases)
    func sessions(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            // Two of them at the same time, and one with the cursor's own separator in its name.
            for (index, name) in ["a", "b", "c:1", "d", "e"].enumerated() {
                _ = try await worker.settle(name, at: Int64([10, 50, 30, 30, 20][index])) {
                    $0.history.append = [message("m"), message("n")]
                    $0.isClosed = name == "a"
                }
            }
            var pages: [[String]] = []
            var cursor: String?
            repeat {
                let page = try await store.listSessions(after: cursor, limit: 2)
                pages.append(page.items.map(\.id))
                cursor = page.cursor
            } while cursor != nil
            #expect(pages == [["b", "d"], ["c:1", "e"], ["a"]])
            let summary = try await store.listSessions(after: nil, limit: 5).items.last
            #expect(
                summary
                    == SessionSummary(
                        id: "a", revision: 1, turns: 1, messageCount: 2, isClosed: true, createdAt: 10, updatedAt: 10))
        }
    }

    @Test("The last full page has no cursor", arguments: StoreImplementation.allCases)
    func exactPage(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            for name in ["a", "b"] {
                _ = try await worker.begin(name)
                _ = try await worker.settle(name)
            }
            #expect(try await store.listSessions(after: nil, limit: 2).cursor == nil)
            #expect(try await store.listSessions(after: nil, limit: 1).cursor != nil)
            #expect(try await store.listSessions(after: nil, limit: 0).items.count == 1)
            let runs = try await store.listRuns(session: nil, status: nil, regions: nil, cursor: nil, limit: 2)
            #expect(runs.items.count == 2 && runs.cursor == nil)
        }
    }

    @Test(
        "Pages taken while sessions come and change show every untouched session once",
        arguments: StoreImplementation.allCases)
    func concurrentInserts(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            for index in 0..<40 {
                _ = try await worker.begin("old\(index)")
                _ = try await worker.settle("old\(index)", at: Int64(index))
            }
            async let writing: Void = {
                for index in 0..<40 {
                    _ = try await worker.begin("new\(index)")
                    _ = try await worker.settle("new\(index)", at: 1000 + Int64(index))
                }
            }()
            var seen: [String] = []
            var cursor: String?
            repeat {
                let page = try await store.listSessions(after: cursor, limit: 3)
                seen += page.items.map(\.id)
                cursor = page.cursor
            } while cursor != nil
            var runs: [String] = []
            repeat {
                let page = try await store.listRuns(session: nil, status: nil, regions: nil, cursor: cursor, limit: 3)
                runs += page.items.map(\.session)
                cursor = page.cursor
            } while cursor != nil
            try await writing
            let old = (0..<40).reversed().map { "old\($0)" }
            #expect(seen.filter { $0.hasPrefix("old") } == old)
            #expect(runs.filter { $0.hasPrefix("old") } == old)
            #expect(Set(seen).count == seen.count && Set(runs).count == runs.count)
        }
    }

    @Test("Messages are read in parts", arguments: StoreImplementation.allCases)
    func messageParts(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let all = (0..<5).map { message("m\($0)") }
            _ = try await worker.settle("s") { $0.history.append = all }
            #expect(try await store.messages(session: "s", afterIndex: nil, limit: 2) == Array(all[0..<2]))
            #expect(try await store.messages(session: "s", afterIndex: 1, limit: 2) == Array(all[2..<4]))
            #expect(try await store.messages(session: "s", afterIndex: 3, limit: 9) == Array(all[4...]))
            #expect(try await store.messages(session: "s", afterIndex: 4, limit: 9) == [])
            #expect(try await store.messages(session: "s", afterIndex: .max, limit: .max) == [])
            #expect(try await store.messages(session: "none", afterIndex: nil, limit: 9) == [])
        }
    }

    @Test("Runs are filtered by session, status and region", arguments: StoreImplementation.allCases)
    func runFilters(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.begin("a", region: "eu")
            _ = try await worker.begin("b", region: "us")
            _ = try await worker.begin("c")
            _ = try await worker.begin("d", region: "eu")
            _ = try await worker.settle("a") {
                $0.turn = TurnSettlement(turn: 0, run: 1, status: .completed, outcome: "completed")
            }
            _ = try await worker.settle("b") {
                $0.turn = TurnSettlement(turn: 0, run: 1, status: .failed, outcome: "failed")
            }
            _ = try await worker.begin("a", revision: 1, turn: 1, region: "us")
            func list(
                session: String? = nil, status: RunStatus? = nil, regions: [String]? = nil
            ) async throws -> [String] {
                var found: [String] = []
                var cursor: String?
                repeat {
                    let page = try await store.listRuns(
                        session: session, status: status, regions: regions, cursor: cursor, limit: 1)
                    found += page.items.map(\.id)
                    cursor = page.cursor
                } while cursor != nil
                return found
            }
            #expect(try await list() == ["a/1/1", "d/0/1", "c/0/1", "b/0/1", "a/0/1"])
            #expect(try await list(session: "a") == ["a/1/1", "a/0/1"])
            #expect(try await list(status: .running) == ["a/1/1", "d/0/1", "c/0/1"])
            #expect(try await list(status: .completed) == ["a/0/1"])
            #expect(try await list(status: .failed) == ["b/0/1"])
            #expect(try await list(regions: ["eu"]) == ["d/0/1", "a/0/1"])
            #expect(try await list(regions: ["us", "eu", "us"]) == ["a/1/1", "d/0/1", "b/0/1", "a/0/1"])
            #expect(try await list(regions: ["mars"]) == [])
            #expect(try await list(regions: []) == [])
            #expect(try await list(session: "a", status: .running, regions: ["us", "eu"]) == ["a/1/1"])
            #expect(try await list(session: "a", status: .completed, regions: ["us"]) == [])
        }
    }

    @Test("A cursor of another kind is refused", arguments: StoreImplementation.allCases)
    func badCursor(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            for cursor in ["", "x", "x:y", "🙂"] {
                await #expect(throws: StoreError.self) { try await store.listSessions(after: cursor, limit: 1) }
                let error = await #expect(throws: StoreError.self) {
                    try await store.listRuns(session: nil, status: nil, regions: nil, cursor: cursor, limit: 1)
                }
                #expect(error?.code == .invalidCursor && error?.isTransient == false)
            }
        }
    }
}
