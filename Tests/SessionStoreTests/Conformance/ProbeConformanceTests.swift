import SessionStore
import Testing

@Suite("Probing a store", .timeLimit(.minutes(1)))
struct ProbeConformanceTests {
    @Test(
        "A store that can be written to passes its probe, which writes nothing", arguments: StoreImplementation.allCases
    )
    func passes(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s")
            let before = try await store.loadSession("s")
            try await store.probe()
            #expect(try await store.loadSession("s") == before)
            #expect(try await worker.settle("s", revision: 1) == .written(revision: 2))
        }
    }

    @Test("A closed store fails its probe", arguments: StoreImplementation.allCases)
    func closed(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            try await store.close()
            let error = await #expect(throws: StoreError.self) { try await store.probe() }
            #expect(error?.code == .closed)
        }
    }
}
