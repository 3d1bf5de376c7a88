import SessionStore
import Testing

@Suite("Fences", .timeLimit(.minutes(1)))
struct FenceConformanceTests {
    @Test("Each fence of a partition has the next token", arguments: StoreImplementation.allCases)
    func tokensCount(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let first = try await Worker(store).fence
            let second = try await Worker(store).fence
            let elsewhere = try await Worker(store, partition: 1).fence
            #expect([first.token, second.token, elsewhere.token] == [1, 2, 1])
        }
    }

    @Test(
        "Fences of different groups, clusters, topics and partitions are independent",
        arguments: StoreImplementation.allCases)
    func partitionsAreApart(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            _ = try await store.takeFence(group: "g", cluster: "c", topic: "t", partition: 0)
            #expect(try await store.currentFence(group: "g", cluster: "c", topic: "t", partition: 0) == 1)
            #expect(try await store.currentFence(group: "h", cluster: "c", topic: "t", partition: 0) == nil)
            #expect(try await store.currentFence(group: "g", cluster: "d", topic: "t", partition: 0) == nil)
            #expect(try await store.currentFence(group: "g", cluster: "c", topic: "u", partition: 0) == nil)
            #expect(try await store.currentFence(group: "g", cluster: "c", topic: "t", partition: 1) == nil)
        }
    }

    @Test("Fences taken at the same time all have different tokens", arguments: StoreImplementation.allCases)
    func concurrentFences(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            let tokens = try await withThrowingTaskGroup(of: Int64.self) { group in
                for index in 0..<40 {
                    let store = stores[index % 2]
                    group.addTask { try await Worker(store).fence.token }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(tokens.sorted() == Array(1...40))
        }
    }

    @Test(
        "A worker that lost its partition can neither begin, interrupt, record intents nor settle, and leaves no trace",
        arguments: StoreImplementation.allCases)
    func oldTokenIsRefused(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let old = try await Worker(store)
            #expect(try await old.begin("s") == .written(revision: 0))
            let before = try await store.loadSession("s")
            let new = try await Worker(store)

            #expect(try await old.begin("s", run: 2) == .fenced(current: 2))
            #expect(try await old.interrupt("s") == .fenced(current: 2))
            #expect(try await old.intend("s", calls: ["call"]) == .fenced(current: 2))
            #expect(try await old.intend("other", calls: ["call"]) == .fenced(current: 2))
            #expect(try await old.settle("s") == .fenced(current: 2))
            #expect(try await old.settle("other") == .fenced(current: 2))
            #expect(try await store.loadSession("s") == before)
            #expect(try await store.loadSession("other") == nil)

            #expect(try await new.settle("s") == .written(revision: 1))
        }
    }

    @Test("A fence that was never taken is refused", arguments: StoreImplementation.allCases)
    func inventedToken(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            var worker = try await Worker(store)
            worker.fence = Fence(group: "no one", cluster: "cluster", topic: "requests", partition: 0, token: 1)
            #expect(try await worker.settle("s") == .fenced(current: 0))
        }
    }

    @Test("A fence does not let its holder write for another partition", arguments: StoreImplementation.allCases)
    func otherPartition(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            var worker = try await Worker(store, partition: 0)
            #expect(try await worker.begin("begun") == .written(revision: 0))
            let other = try await Worker(store, partition: 1)
            #expect(try await other.interrupt("begun").isConflict)
            #expect(try await other.intend("begun", calls: ["call"]).isConflict)
            #expect(try await store.run("begun/0/1") == worker.run("begun"))
            worker.log = other.log
            #expect(try await worker.begin("s").isConflict)
            #expect(try await worker.settle("s").isConflict)
            #expect(try await store.loadSession("s") == nil)
        }
    }
}
