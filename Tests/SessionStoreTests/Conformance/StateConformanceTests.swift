import SessionStore
import Testing

@Suite("The agent's state", .timeLimit(.minutes(1)))
struct StateConformanceTests {
    @Test("A state stays until it is replaced or removed", arguments: StoreImplementation.allCases)
    func lifetime(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            let large = (0..<50_000).map { UInt8(truncatingIfNeeded: $0) }
            let steps: [(written: [UInt8]?, read: [UInt8]?)] = [
                (nil, nil), ([], nil), ([0, 255, 7], [0, 255, 7]), (nil, [0, 255, 7]), (large, large), (large, large),
                ([0], [0]), ([], nil), (nil, nil), ([], nil), ([2], [2]),
            ]
            for (step, state) in steps.enumerated() {
                let result = try await worker.settle("s", revision: Int64(step), offset: Int64(step)) {
                    $0.state = state.written
                }
                #expect(result == .written(revision: Int64(step) + 1))
                #expect(try await store.loadSession("s")?.state == state.read, "step \(step)")
            }
        }
    }

    @Test("A session's first settlement may bring its state", arguments: StoreImplementation.allCases)
    func firstSettlement(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            let worker = try await Worker(stores[0])
            for id in ["a", "b"] { _ = try await worker.settle(id) { $0.state = Array(id.utf8) } }
            _ = try await worker.settle("c")
            #expect(try await stores[1].loadSession("a")?.state == Array("a".utf8))
            #expect(try await stores[1].loadSession("b")?.state == Array("b".utf8))
            #expect(try await stores[1].loadSession("c")?.state == nil)
        }
    }

    @Test("A refused settlement leaves the state as it was", arguments: StoreImplementation.allCases)
    func refused(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 3) { $0.state = [1] }
            let states: [[UInt8]] = [[2], []]
            for state in states {
                #expect(try await worker.settle("s", revision: 0, offset: 4) { $0.state = state }.isConflict)
                #expect(try await worker.settle("s", revision: 1, offset: 2) { $0.state = state }.isConflict)
            }
            _ = try await Worker(store)
            #expect(try await worker.settle("s", revision: 1, offset: 4) { $0.state = [2] } == .fenced(current: 2))
            #expect(try await store.loadSession("s")?.state == [1])
        }
    }
}
