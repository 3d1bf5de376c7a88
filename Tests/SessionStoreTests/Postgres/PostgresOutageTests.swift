import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SessionStore

@Suite("A PostgreSQL server that goes away", .timeLimit(.minutes(5)))
struct PostgresOutageTests {
    private static let hasty = PostgresPatience(
        connect: .seconds(2), answer: .seconds(3), write: .seconds(1))

    private final class Counter: Sendable {
        let value = Atomic(0)
    }

    /// Many sessions that are settled again and again, until a write throws.
    private final class Load: Sendable {
        let settled = Atomic(0)
        let worker: Worker

        init(_ worker: Worker) {
            self.worker = worker
        }

        func waitForSettlements(_ count: Int) async throws {
            try await eventually(timeout: .seconds(60), every: .milliseconds(1)) {
                settled.load(ordering: .relaxed) >= count
            }
        }

        /// - Returns: how many settlements of each session were answered as written.
        func settleUntilItFails(sessions: Int) async throws -> [Int64] {
            try await withThrowingTaskGroup(of: (Int, Int64).self) { group in
                for index in 0..<sessions { group.addTask { (index, try await self.settle("s\(index)")) } }
                return try await group.reduce(into: Array(repeating: 0, count: sessions)) { $0[$1.0] = $1.1 }
            }
        }

        private func settle(_ session: String) async throws -> Int64 {
            for revision in 0..<100_000 as Range<Int64> {
                do {
                    let result = try await worker.settle(session, revision: revision, offset: revision) {
                        $0.history.append = [message("m\(revision)"), message("n\(revision)")]
                    }
                    #expect(result == .written(revision: revision + 1))
                    settled.add(1, ordering: .relaxed)
                } catch {
                    let error = try #require(error as? StoreError)
                    #expect(error.code == .unavailable && error.isTransient, "\(error)")
                    return revision
                }
            }
            return 100_000
        }

        /// Every settlement that was answered as written is there, and none by half.
        func check(_ answered: [Int64]) async throws {
            for (index, count) in answered.enumerated() {
                let session = try await worker.store.loadSession("s\(index)")
                let revision = session?.revision ?? 0
                #expect(revision == count || revision == count + 1, "session \(index): \(revision), answered \(count)")
                #expect(session?.messages.count ?? 0 == Int(revision) * 2)
                #expect(session?.positions.first?.offset ?? -1 == revision - 1)
            }
        }
    }

    @Test("Killed under load: what was answered as written is there afterwards, and nothing is there by half")
    func killed() async throws {
        let server = try await PostgresServer.start()
        let store = try PostgresSessionStore(url: server.url, patience: Self.hasty)
        let load = Load(try await Worker(store))
        async let answered = load.settleUntilItFails(sessions: 40)
        try await load.waitForSettlements(400)
        server.kill()
        let counts = try await answered
        let read = await #expect(throws: StoreError.self) { try await store.loadSession("s0") }
        #expect(read?.code == .unavailable && read?.isTransient == true)
        await #expect(throws: StoreError.self) { try await store.probe() }
        try await server.start()
        try await eventually(timeout: .seconds(60)) { (try? await store.probe()) != nil }
        try await eventually(timeout: .seconds(60)) { (try? await store.loadSession("s0")) != nil }
        try await load.check(counts)
        let revision = try await store.loadSession("s0")?.revision ?? 0
        let result = try await load.worker.settle("s0", revision: revision, offset: 200_000)
        #expect(result == .written(revision: revision + 1))
        try await store.close()
    }

    @Test("Connections cut under load, again and again: nothing that was answered is lost, and none is there by half")
    func cut() async throws {
        let server = try await PostgresServer.shared()
        let relay = try BrokerRelay(toPort: server.port)
        defer { relay.close() }
        let url = try await server.createDatabase().replacing(":\(server.port)/", with: ":\(relay.port)/")
        let store = try PostgresSessionStore(url: url)
        let load = Load(try await Worker(store))
        async let answered = load.settleUntilItFails(sessions: 20)
        try await load.waitForSettlements(200)
        // A session whose write was cut in its commit stops; the others go on, until all have met it.
        let isOver = Atomic(false)
        async let cutting: Void = {
            for _ in 0..<1_000 where !isOver.load(ordering: .relaxed) {
                relay.cutAll()
                try await Task.sleep(for: .milliseconds(20))
            }
            relay.refuse()
        }()
        let counts = try await answered
        isOver.store(true, ordering: .relaxed)
        try await cutting
        relay.resume()
        try await eventually(timeout: .seconds(60)) { (try? await store.loadSession("s0")) != nil }
        try await load.check(counts)
        try await store.close()
    }

    @Test("A server that says nothing is taken for lost in good time, and is used again when it answers")
    func silent() async throws {
        let server = try await PostgresServer.start()
        let store = try PostgresSessionStore(url: server.url, patience: Self.hasty)
        let worker = try await Worker(store)
        #expect(try await worker.settle("s") == .written(revision: 1))
        #expect(try await store.loadSession("s")?.revision == 1)
        server.stop()
        // Without a limit of our own these would last as long as the server is silent.
        async let write = #expect(throws: StoreError.self) { try await worker.settle("s", revision: 1, offset: 1) }
        async let read = #expect(throws: StoreError.self) { try await store.loadSession("s") }
        for failure in await [write, read] { #expect(failure?.code == .unavailable) }
        server.resume()
        try await eventually(timeout: .seconds(60)) { (try? await store.loadSession("s")) != nil }
        try await eventually(timeout: .seconds(60)) {
            guard let revision = try? await store.loadSession("s")?.revision else { return false }
            let result = try? await worker.settle("s", revision: revision, offset: revision)
            return result == .written(revision: revision + 1)
        }
        try await store.close()
    }

    @Test("A write waits for a server that is being restarted, and then is written")
    func restarted() async throws {
        let server = try await PostgresServer.start()
        let store = try PostgresSessionStore(url: server.url, patience: .init(write: .seconds(60)))
        let worker = try await Worker(store)
        #expect(try await worker.settle("s") == .written(revision: 1))
        try await server.shutDown()
        let asked = Counter()
        async let waiting = withThrowingTaskGroup(of: WriteResult.self) { group in
            for index in 0..<20 {
                group.addTask {
                    asked.value.add(1, ordering: .relaxed)
                    return try await worker.settle("t\(index)")
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        try await eventually(timeout: .seconds(60)) { asked.value.load(ordering: .relaxed) == 20 }
        let read = await #expect(throws: StoreError.self) { try await store.loadSession("s") }
        #expect(read?.code == .unavailable)
        try await server.start()
        #expect(try await waiting == Array(repeating: .written(revision: 1), count: 20))
        #expect(try await worker.settle("s", revision: 1, offset: 1) == .written(revision: 2))
        try await eventually(timeout: .seconds(60)) { (try? await store.loadSession("s")) != nil }
        try await store.close()
    }

    @Test("A server that can only be read is unavailable to writes and to the probe, until it can be written to")
    func standby() async throws {
        let server = try await PostgresServer.start()
        let store = try PostgresSessionStore(url: server.url, patience: Self.hasty)
        let worker = try await Worker(store)
        #expect(try await worker.settle("s") == .written(revision: 1))
        try await server.shutDown()
        try await server.start(asStandby: true)
        try await eventually(timeout: .seconds(60)) { (try? await store.loadSession("s")) != nil }
        let probe = await #expect(throws: StoreError.self) { try await store.probe() }
        #expect(probe?.code == .unavailable)
        let write = await #expect(throws: StoreError.self) { try await worker.settle("s", revision: 1, offset: 1) }
        #expect(write?.code == .unavailable && write?.description.contains("read-only") == true, "\(write as Any)")
        try await server.shutDown()
        try await server.start()
        try await eventually(timeout: .seconds(60)) { (try? await store.probe()) != nil }
        #expect(try await worker.settle("s", revision: 1, offset: 1) == .written(revision: 2))
        try await store.close()
    }

    @Test("An idle connection that the server has ended is replaced before it is used")
    func idleConnectionEnded() async throws {
        let server = try await PostgresServer.shared()
        let url = try await server.createDatabase()
        let store = try PostgresSessionStore(url: url)
        let worker = try await Worker(store)
        for revision in 0..<5 as Range<Int64> {
            #expect(
                try await worker.settle("s", revision: revision, offset: revision) == .written(revision: revision + 1))
            #expect(try await store.loadSession("s")?.revision == revision + 1)
            try await server.execute(
                """
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """, at: url)
        }
        try await store.close()
    }

    @Test("A transaction whose commit may or may not have happened is neither answered as written nor done again")
    func unknownCommit() async throws {
        let server = try await PostgresServer.shared()
        let relay = try BrokerRelay(toPort: server.port)
        defer { relay.close() }
        let direct = try await server.createDatabase()
        let url = direct.replacing(":\(server.port)/", with: ":\(relay.port)/")
        let isArmed = Atomic(false)
        let store = try PostgresSessionStore(url: url, patience: Self.hasty) { step in
            // Everything is done but the commit, whose answer will not arrive.
            if isArmed.load(ordering: .sequentiallyConsistent), step == .inTransaction(sessions: ["s"]) {
                relay.stall()
            }
        }
        let worker = try await Worker(store)
        isArmed.store(true, ordering: .sequentiallyConsistent)
        let error = await #expect(throws: StoreError.self) { try await worker.settle("s") }
        #expect(error?.code == .unavailable && error?.description.contains("not known") == true)
        relay.resume()
        try await eventually(timeout: .seconds(60)) { (try? await store.probe()) != nil }
        let session = try await store.loadSession("s")
        #expect(session == nil || session?.revision == 1)
        try await store.close()
    }

    @Test("A server that cannot be reached is unavailable, and may be tried again")
    func unreachable() async throws {
        let error = #expect(throws: StoreError.self) {
            try PostgresSessionStore(url: "postgres://carryon@127.0.0.1:1/none", patience: Self.hasty)
        }
        #expect(error?.code == .unavailable && error?.isTransient == true)
    }

    @Test("A process killed before the commit leaves nothing, and holds up nobody")
    func writerKilled() async throws {
        let url = try await PostgresServer.shared().createDatabase()
        await #expect(processExitsWith: .signal(SIGKILL)) { [url = url as String] in
            let store = try PostgresSessionStore(url: url) { step in
                if step == .inTransaction(sessions: ["second"]) { kill(getpid(), SIGKILL) }
            }
            let worker = try await Worker(store)
            _ = try await worker.settle("first")
            _ = try await worker.settle("second")
        }
        let store = try PostgresSessionStore(url: url)
        let worker = try await Worker(store)
        #expect(worker.fence.token == 2)
        #expect(try await store.loadSession("first")?.revision == 1)
        #expect(try await store.loadSession("second") == nil)
        #expect(try await worker.settle("second") == .written(revision: 1))
        try await store.close()
    }

    @Test("A worker that falls silent in a transaction does not keep its successor from the partition")
    func writerSilent() async throws {
        let url = try await PostgresServer.shared().createDatabase()
        let gate = CommitGate()
        let store = try PostgresSessionStore(url: url) { _ in gate.pass() }
        let successor = try PostgresSessionStore(url: url)
        let old = try await Worker(store)
        gate.close()
        async let held: WriteResult? = try? old.settle("s")
        await gate.waitUntilHeld()
        // The gate stays closed: only the server's own limit frees the fence.
        let new = try await Worker(successor)
        #expect(new.fence.token == 2)
        #expect(try await new.settle("s") == .written(revision: 1))
        gate.open()
        #expect(await held != .written(revision: 1))
        #expect(try await successor.loadSession("s")?.revision == 1)
        try await store.close()
        try await successor.close()
    }
}
