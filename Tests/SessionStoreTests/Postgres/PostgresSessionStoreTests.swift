import Foundation
import Synchronization
import TestSupport
import Testing

@testable import SessionStore

@Suite("The PostgreSQL store", .timeLimit(.minutes(5)))
struct PostgresSessionStoreTests {
    /// For tests that hold a transaction up, on a machine that may be slow.
    private static let calm = PostgresPatience(answer: .seconds(60))

    /// Runs `body` with the URL of an empty database.
    private func withURL(_ body: (String, PostgresServer) async throws -> Void) async throws {
        let server = try await PostgresServer.shared()
        try await body(try await server.createDatabase(), server)
    }

    @Test("Stores that start at the same time in an empty database make its tables once, and all of them work")
    func concurrentStart() async throws {
        try await withURL { url, server in
            let stores = try await withThrowingTaskGroup(of: PostgresSessionStore.self) { group in
                for _ in 0..<8 { group.addTask { try PostgresSessionStore(url: url) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (index, store) in stores.enumerated() {
                #expect(try await Worker(store).fence.token == Int64(index) + 1)
            }
            for store in stores { try await store.close() }
            let versions = try await server.execute("SELECT version FROM carryon_schema", at: url)
            #expect(versions == (1...PostgresSchema.version).map { ["\($0)"] })
        }
    }

    @Test("What was settled is there when the database is opened again")
    func reopened() async throws {
        try await withURL { url, _ in
            let first = try PostgresSessionStore(url: url)
            _ = try await Worker(first).settle("s") { $0.history.append = [message("m")] }
            let before = try await first.loadSession("s")
            try await first.close()
            let second = try PostgresSessionStore(url: url, mustExist: true)
            #expect(before != nil)
            #expect(try await second.loadSession("s") == before)
            #expect(try await Worker(second).fence.token == 2)
            try await second.close()
        }
    }

    @Test("Tables of a newer version are refused, and both versions are named")
    func tooNew() async throws {
        try await withURL { url, server in
            try await PostgresSessionStore(url: url).close()
            try await server.execute("INSERT INTO carryon_schema (version) VALUES (99)", at: url)
            let error = #expect(throws: StoreError.self) { try PostgresSessionStore(url: url) }
            #expect(error?.code == .schemaTooNew && error?.isTransient == false)
            #expect(error?.description.contains("version 99") == true)
            #expect(error?.description.contains("up to \(PostgresSchema.version)") == true)
        }
    }

    @Test("A program that only looks makes no tables")
    func mustExist() async throws {
        try await withURL { url, server in
            let error = #expect(throws: StoreError.self) { try PostgresSessionStore(url: url, mustExist: true) }
            #expect(error?.code == .unavailable)
            let tables = try await server.execute(
                "SELECT count(*) FROM pg_class WHERE relname LIKE 'carryon%'", at: url)
            #expect(tables == [["0"]])
        }
    }

    @Test("A database in another encoding is refused, with what it has to be")
    func encoding() async throws {
        let server = try await PostgresServer.shared()
        let url = try await server.createDatabase(encoding: "SQL_ASCII")
        let error = #expect(throws: StoreError.self) { try PostgresSessionStore(url: url) }
        #expect(error?.code == .rejected)
        #expect(error?.description.contains("SQL_ASCII") == true && error?.description.contains("UTF8") == true)
    }

    @Test("Another schema of the same database is another store")
    func searchPath() async throws {
        try await withURL { url, server in
            try await server.execute("CREATE SCHEMA one; CREATE SCHEMA two", at: url)
            let stores = try ["one", "two"].map {
                try PostgresSessionStore(url: url + "?options=-csearch_path%3D\($0)")
            }
            _ = try await Worker(stores[0]).settle("s")
            #expect(try await stores[0].loadSession("s")?.revision == 1)
            #expect(try await stores[1].loadSession("s") == nil)
            for store in stores { try await store.close() }
        }
    }

    @Test(
        "A wrong database, user or URL is refused for good, and no password is repeated",
        arguments: ["/nowhere", "user:p-word@/x", "?nonsense=p-word", ":p-word"])
    func wrongSettings(rest: String) async throws {
        let server = try await PostgresServer.shared()
        let url =
            switch rest {
            case "/nowhere": "postgres://carryon@127.0.0.1:\(server.port)/nowhere"
            case "user:p-word@/x": "postgres://nobody:p-word@127.0.0.1:\(server.port)/postgres"
            case "?nonsense=p-word": "\(server.url)?nonsense=p-word"
            default: "postgres://carryon:p-word%zz@[::1"
            }
        let error = #expect(throws: StoreError.self) { try PostgresSessionStore(url: url) }
        #expect(error?.code == .rejected && error?.isTransient == false, "\(error as Any)")
        #expect(error?.description.contains("p-word") == false)
    }

    @Test("What is answered as written is durable, also where the database would rather not wait")
    func durable() async throws {
        try await withURL { url, server in
            try await server.execute(
                "ALTER DATABASE \(url.split(separator: "/").last ?? "") SET synchronous_commit = off")
            let store = try PostgresSessionStore(url: url)
            let inForce = try await store.transact("testing", partition: 0) { transaction in
                try transaction.ask([
                    PostgresQuery(PostgresStatement(nil, [], "SELECT current_setting('synchronous_commit')"))
                ]).first?.first { $0.text(0) }
            }
            #expect(inForce == "on")
            try await store.close()
        }
    }

    @Test("A database in which transactions only read unless they say otherwise is written to all the same")
    func readOnlyByDefault() async throws {
        try await withURL { url, server in
            let name = url.split(separator: "/").last ?? ""
            try await PostgresSessionStore(url: url).close()
            try await server.execute("ALTER DATABASE \(name) SET default_transaction_read_only = on")
            let store = try PostgresSessionStore(url: url)
            try await store.probe()
            #expect(try await Worker(store).settle("s") == .written(revision: 1))
            try await store.close()
        }
    }

    @Test("A write that the server refuses does not fail its neighbours, and each is done once")
    func neighbours() async throws {
        try await withURL { url, _ in
            let gate = CommitGate()
            let store = try PostgresSessionStore(url: url, patience: Self.calm) { _ in gate.pass() }
            let worker = try await Worker(store)
            gate.close()
            async let held = worker.settle("held")
            await gate.waitUntilHeld()
            async let good = withThrowingTaskGroup(of: WriteResult.self) { group in
                for index in 0..<50 { group.addTask { try await worker.settle("s\(index)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // Too long for the index of regions, however it is compressed.
            var random = SeededGenerator(seed: 1)
            let region = (0..<2000).map { _ in String(random.next(), radix: 36) }.joined()
            async let bad: StoreError.Code? = {
                do {
                    _ = try await worker.begin("bad", region: region)
                    return nil
                } catch { return (error as? StoreError)?.code }
            }()
            try await store.waitForQueued(51)
            gate.open()
            #expect(try await held == .written(revision: 1))
            #expect(try await good == Array(repeating: .written(revision: 1), count: 50))
            #expect(await bad == .rejected)
            for index in 0..<50 { #expect(try await store.loadSession("s\(index)")?.revision == 1) }
            #expect(try await store.loadSession("bad") == nil)
            try await store.close()
        }
    }

    @Test("Refused writes leave their group's other writes alone, and a session's writes keep their order")
    func groups() async throws {
        try await withURL { url, _ in
            let gate = CommitGate()
            let steps = Mutex<[CommitStep]>([])
            let store = try PostgresSessionStore(url: url, patience: Self.calm) { step in
                steps.withLock { $0.append(step) }
                gate.pass()
            }
            let worker = try await Worker(store)
            gate.close()
            async let first = worker.settle("first")
            await gate.waitUntilHeld()
            async let others = withThrowingTaskGroup(of: WriteResult.self) { group in
                for index in 0..<50 { group.addTask { try await worker.settle("s\(index)") } }
                group.addTask { try await worker.settle("refused", revision: 3) }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            try await store.waitForQueued(51)
            async let second = worker.settle("s0", revision: 1, offset: 1)
            try await store.waitForQueued(52)
            gate.open()
            #expect(try await first == .written(revision: 1))
            #expect(try await others.count { $0 == .written(revision: 1) } == 50)
            #expect(try await second == .written(revision: 2))
            let settled = steps.withLock { $0 }.map { step in
                switch step {
                case .inTransaction(let sessions): Set(sessions)
                }
            }
            #expect(settled == [["first"], Set((0..<50).map { "s\($0)" }), ["s0"]])
            try await store.close()
        }
    }

    @Test("Whoever takes a fence waits for the writes that are in flight, and those after it are refused")
    func fenceInFlight() async throws {
        try await withURL { url, server in
            let gate = CommitGate()
            let store = try PostgresSessionStore(url: url, patience: Self.calm) { _ in gate.pass() }
            let successor = try PostgresSessionStore(url: url, patience: Self.calm)
            let old = try await Worker(store)
            gate.close()
            async let held = old.settle("s")
            await gate.waitUntilHeld()
            let isTaken = Atomic(false)
            async let new: Worker = {
                let worker = try await Worker(successor)
                isTaken.store(true, ordering: .sequentiallyConsistent)
                return worker
            }()
            let waiting =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            try await eventually(timeout: .seconds(30)) { try await server.execute(waiting, at: url) == [["1"]] }
            let isTakenEarly = isTaken.load(ordering: .sequentiallyConsistent)
            #expect(!isTakenEarly)
            gate.open()
            #expect(try await held == .written(revision: 1))
            #expect(try await new.fence.token == 2)
            #expect(try await old.settle("s", revision: 1) == .fenced(current: 2))
            #expect(try await new.settle("s", revision: 1) == .written(revision: 2))
            try await store.close()
            try await successor.close()
        }
    }

    @Test("Two groups of workers that write to one session at the same time exclude each other")
    func twoOwners() async throws {
        try await withURL { url, _ in
            let stores = try (0..<2).map { _ in try PostgresSessionStore(url: url) }
            var workers: [Worker] = []
            for (index, store) in stores.enumerated() {
                workers.append(try await Worker(store, partition: Int32(index)))
            }
            for round in 0..<20 {
                let results = try await withThrowingTaskGroup(of: WriteResult.self) { group in
                    for worker in workers {
                        group.addTask { try await worker.settle("s\(round)", offset: Int64(round)) }
                        group.addTask { try await worker.begin("s\(round)", offset: Int64(round)) }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(results.count { $0 == .written(revision: 1) } == 1, "round \(round): \(results)")
                let session = try #require(try await stores[0].loadSession("s\(round)"))
                #expect(session.revision == 1)
                #expect(session.openRuns.count == results.count { $0 == .written(revision: 0) })
            }
            for store in stores { try await store.close() }
        }
    }

    @Test("A session is read as it was at one moment, while it is written to")
    func snapshot() async throws {
        try await withURL { url, _ in
            let store = try PostgresSessionStore(url: url)
            let worker = try await Worker(store)
            let isDone = Atomic(false)
            async let writing: Void = {
                for revision in 0..<200 {
                    _ = try await worker.settle("s", revision: Int64(revision), offset: Int64(revision)) {
                        $0.history.append = [message("m\(revision)")]
                        $0.state = [UInt8(truncatingIfNeeded: revision), 1]
                    }
                }
                isDone.store(true, ordering: .sequentiallyConsistent)
            }()
            var reads = 0
            while !isDone.load(ordering: .sequentiallyConsistent), reads < 100_000 {
                guard let session = try await store.loadSession("s") else { continue }
                #expect(session.messages.count == Int(session.revision))
                #expect(session.state?.first == UInt8(truncatingIfNeeded: session.revision - 1))
                reads += 1
            }
            try await writing
            #expect(reads > 0)
            try await store.close()
        }
    }

    @Test("A name that PostgreSQL cannot keep is rejected with a clear reason; a text from outside is kept")
    func nulCharacters() async throws {
        try await withURL { url, _ in
            let store = try PostgresSessionStore(url: url)
            let worker = try await Worker(store)
            let error = await #expect(throws: StoreError.self) { try await worker.settle("a\u{0}b") }
            #expect(error?.code == .rejected && error?.description.contains("NUL") == true)
            var run = worker.run("s")
            run.requestID = "r\u{0}1"
            let begin = BeginRun(session: "s", expectedRevision: 0, run: run, fence: worker.fence)
            #expect(try await store.beginRun(begin) == .written(revision: 0))
            #expect(try await worker.interrupt("s", cause: "c\u{0}") == .written(revision: 0))
            let found = try await store.loadSession("s")?.openRuns.first
            #expect(found?.requestID == "r\u{0}1" && found?.cause == "c\u{0}")
            try await store.close()
        }
    }

    @Test("A closed store finishes what was asked for and refuses what comes after")
    func closed() async throws {
        try await withURL { url, _ in
            let store = try PostgresSessionStore(url: url)
            let worker = try await Worker(store)
            async let pending = withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<30 {
                    group.addTask {
                        do {
                            let result = try await worker.settle("s\(index)")
                            #expect(result == .written(revision: 1))
                        } catch let error as StoreError where error.code == .closed {
                            // It came after the store was closed.
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await store.close()
            try await store.close()
            try await pending
            let write = await #expect(throws: StoreError.self) { try await worker.settle("s") }
            #expect(write?.code == .closed)
            let read = await #expect(throws: StoreError.self) { try await store.loadSession("s") }
            #expect(read?.code == .closed)
        }
    }

    @Test("A store that is let go without being closed lets go of its connections")
    func released() async throws {
        try await withURL { url, server in
            var store: PostgresSessionStore? = try PostgresSessionStore(url: url)
            _ = try await Worker(try #require(store)).settle("s")
            let open =
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'carryon'"
            #expect(try await server.execute(open, at: url) != [["0"]])
            store = nil
            try await eventually(timeout: .seconds(60)) { try await server.execute(open, at: url) == [["0"]] }
        }
    }
}

extension PostgresSessionStore {
    /// Waits until this many writes have gathered behind those that are being done.
    func waitForQueued(_ count: Int) async throws {
        try await eventually(timeout: .seconds(20), every: .milliseconds(1)) { queuedCount >= count }
    }
}
