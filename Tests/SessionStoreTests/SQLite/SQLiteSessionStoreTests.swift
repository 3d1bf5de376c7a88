import Foundation
import GRDB
import Synchronization
import Testing

@testable import SessionStore

@Suite("The SQLite store", .timeLimit(.minutes(1)))
struct SQLiteSessionStoreTests {
    /// Runs `body` with the path of a database that does not exist yet, in a directory that does not either.
    private func withPath(_ body: (String) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            try await body(directory.appendingPathComponent("new/deep/sessions.sqlite").path)
        }
    }

    @Test("A commit waits for the disk: synchronous is FULL on the connection that writes")
    func synchronous() async throws {
        try await withPath { path in
            let store = try SQLiteSessionStore(path: path)
            let inForce = try await store.committer.submit("testing") { transaction in
                try Int.fetchOne(transaction.database, sql: "PRAGMA synchronous")
            }
            let journal = try await store.committer.submit("testing") { transaction in
                try String.fetchOne(transaction.database, sql: "PRAGMA journal_mode")
            }
            #expect(inForce == 2)
            #expect(journal == "wal")
            try await store.close()
        }
    }

    @Test("What was settled is there when the file is opened again")
    func reopened() async throws {
        try await withPath { path in
            let first = try SQLiteSessionStore(path: path)
            let worker = try await Worker(first)
            _ = try await worker.settle("s") { $0.history.append = [message("m")] }
            let before = try await first.loadSession("s")
            try await first.close()
            let second = try SQLiteSessionStore(path: path)
            #expect(before != nil)
            #expect(try await second.loadSession("s") == before)
            #expect(try await Worker(second).fence.token == 2)
            try await second.close()
        }
    }

    @Test("A file of a newer version is refused, and both versions are named")
    func tooNew() async throws {
        try await withPath { path in
            try await SQLiteSessionStore(path: path).close()
            try await DatabaseQueue(path: path).write { try $0.execute(sql: "PRAGMA user_version = 99") }
            let error = #expect(throws: StoreError.self) { try SQLiteSessionStore(path: path) }
            #expect(error?.code == .schemaTooNew && error?.isTransient == false)
            #expect(error?.description.contains("version 99") == true)
            #expect(error?.description.contains("up to \(SQLiteSchema.version)") == true)
            let version = try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
            #expect(version == 99)
        }
    }

    @Test("A file that is no database is refused and left as it is")
    func notADatabase() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appendingPathComponent("notes.txt")
            let text = String(repeating: "not a database\n", count: 500)
            try text.write(to: file, atomically: true, encoding: .utf8)
            let error = #expect(throws: StoreError.self) { try SQLiteSessionStore(path: file.path) }
            #expect(error?.code == .corrupt)
            #expect(try String(contentsOf: file, encoding: .utf8) == text)
        }
    }

    @Test("A directory that cannot be made is an unavailable store")
    func noDirectory() async throws {
        try await withTemporaryDirectory { directory in
            let file = directory.appendingPathComponent("file")
            try Data().write(to: file)
            let path = file.appendingPathComponent("sessions.sqlite").path
            let error = #expect(throws: StoreError.self) { try SQLiteSessionStore(path: path) }
            #expect(error?.code == .unavailable)
        }
    }

    @Test("A full disk fails the writes that do not fit, is told apart, and loses nothing")
    func diskFull() async throws {
        try await withPath { path in
            let store = try SQLiteSessionStore(path: path)
            let worker = try await Worker(store)
            #expect(try await worker.settle("s") == .written(revision: 1))
            let limit = try await store.committer.submit("testing") { transaction in
                let pages = try Int.fetchOne(transaction.database, sql: "PRAGMA page_count") ?? 0
                try transaction.database.execute(sql: "PRAGMA max_page_count = \(pages)")
                return pages
            }
            #expect(limit > 0)
            let big = StoredMessage(id: "m", role: "user", turn: 0, body: Array(repeating: 1, count: 100_000))
            let error = await #expect(throws: StoreError.self) {
                try await worker.settle("s", revision: 1) { $0.history.append = [big] }
            }
            #expect(error?.code == .diskFull && error?.isTransient == true)
            #expect(error?.description.contains("settling offset 0 of session s (disk_full)") == true)
            #expect(try await store.loadSession("s")?.revision == 1)
            _ = try await store.committer.submit("testing") { transaction in
                try transaction.database.execute(sql: "PRAGMA max_page_count = \(limit + 1000)")
            }
            let result = try await worker.settle("s", revision: 1) { $0.history.append = [big] }
            #expect(result == .written(revision: 2))
            #expect(try await store.loadSession("s")?.messages == [big])
            try await store.close()
        }
    }

    @Test("A write that the database refuses does not fail its neighbours, and each is done once")
    func neighbours() async throws {
        try await withPath { path in
            let gate = CommitGate()
            let store = try SQLiteSessionStore(path: path) { _ in gate.pass() }
            let worker = try await Worker(store)
            gate.close()
            async let held = worker.settle("held")
            await gate.waitUntilHeld()
            // All of these gather behind the commit that is held, and so make one group.
            async let good = withThrowingTaskGroup(of: WriteResult.self) { group in
                for index in 0..<20 { group.addTask { try await worker.settle("s\(index)") } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            async let bad: StoreError.Code? = {
                do throws(StoreError) {
                    try await store.committer.submit("testing") { transaction in
                        try transaction.database.execute(sql: "INSERT INTO fences VALUES (1, 2, 3, 4, NULL)")
                    }
                    return nil
                } catch { return error.code }
            }()
            try await store.waitForQueued(21)
            gate.open()
            #expect(try await held == .written(revision: 1))
            #expect(try await good == Array(repeating: .written(revision: 1), count: 20))
            #expect(await bad == .rejected)
            for index in 0..<20 { #expect(try await store.loadSession("s\(index)")?.revision == 1) }
            try await store.close()
        }
    }

    @Test("What comes in during a commit is the next group, and the step before its commit names its sessions")
    func groups() async throws {
        try await withPath { path in
            let gate = CommitGate()
            let steps = Mutex<[CommitStep]>([])
            let store = try SQLiteSessionStore(path: path) { step in
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
            gate.open()
            #expect(try await first == .written(revision: 1))
            #expect(try await others.count { $0 == .written(revision: 1) } == 50)
            let seen = steps.withLock { $0 }
            #expect(seen.count == 3)
            #expect(seen.first == .inTransaction(sessions: []))
            #expect(seen.dropFirst().first == .inTransaction(sessions: ["first"]))
            guard case .inTransaction(let sessions)? = seen.last else { return }
            #expect(Set(sessions) == Set((0..<50).map { "s\($0)" }))
            try await store.close()
        }
    }

    @Test("A closed store finishes what was asked for and refuses what comes after")
    func closed() async throws {
        try await withPath { path in
            let store = try SQLiteSessionStore(path: path)
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

    @Test("A store that is let go without being closed lets go of its files")
    func released() async throws {
        try await withPath { path in
            var store: SQLiteSessionStore? = try SQLiteSessionStore(path: path)
            let committer = try #require(store).committer
            _ = try await Worker(try #require(store)).settle("s")
            store = nil
            await committer.waitForEnd()
            #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
        }
    }

    @Test("The cost of a settlement does not depend on the length of the history")
    func costOfHistory() async throws {
        try await withPath { path in
            let store = try SQLiteSessionStore(path: path)
            let worker = try await Worker(store)
            func changes() async throws -> Int {
                try await store.committer.submit("testing") { $0.database.totalChangesCount }
            }
            _ = try await worker.settle("s") { $0.history.append = [message("m")] }
            var costs: [Int] = []
            for (revision, count) in [1, 1, 2000, 1].enumerated() {
                let before = try await changes()
                _ = try await worker.settle("s", revision: Int64(revision) + 1, offset: Int64(revision)) {
                    $0.history.append = (0..<count).map { message("m\($0)") }
                }
                costs.append(try await changes() - before)
            }
            #expect(costs[3] == costs[1])
        }
    }

    @Test(
        "Intents that no version can have written are a corrupt file, not an empty list", arguments: ["", "{}", "[1]"])
    func undecodableIntents(text: String) async throws {
        try await withPath { path in
            let store = try SQLiteSessionStore(path: path)
            _ = try await Worker(store).begin("s")
            try await store.committer.submit("testing") { transaction in
                try transaction.database.run("UPDATE runs SET intents = ?", [.text(text)])
            }
            let error = await #expect(throws: StoreError.self) { try await store.loadSession("s") }
            #expect(error?.code == .corrupt)
            #expect(error?.description.contains("column intents") == true)
            try await store.close()
        }
    }

    @Test("A state costs a settlement nothing unless it changes")
    func costOfState() async throws {
        try await withPath { path in
            let store = try SQLiteSessionStore(path: path)
            let worker = try await Worker(store)
            func changes() async throws -> Int {
                try await store.committer.submit("testing") { $0.database.totalChangesCount }
            }
            let large = Array(repeating: 1 as UInt8, count: 50_000)
            let states: [[UInt8]?] = [large, nil, large, [], []]
            var costs: [Int] = []
            for (revision, state) in states.enumerated() {
                let before = try await changes()
                _ = try await worker.settle("s", revision: Int64(revision)) { $0.state = state }
                costs.append(try await changes() - before)
            }
            // The first settlement also makes the session's row and those of its log.
            #expect(Array(costs.dropFirst()) == [costs[1], costs[1], costs[1] + 1, costs[1]])
        }
    }
}

extension SQLiteSessionStore {
    /// Waits until this many writes have gathered behind the one that is being done.
    func waitForQueued(_ count: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while committer.queuedCount < count {
            try #require(ContinuousClock.now < deadline, "\(committer.queuedCount) of \(count) writes have come in")
            try await Task.sleep(for: .milliseconds(1))
        }
    }
}
