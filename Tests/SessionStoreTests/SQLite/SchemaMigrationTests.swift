import Foundation
import GRDB
import Testing

@testable import SessionStore

@Suite("The schema's migrations", .timeLimit(.minutes(1)))
struct SchemaMigrationTests {
    /// A session that has settled a turn and begun the next one, as version 1 wrote it.
    private static let rowsOfVersion1 = """
        INSERT INTO logs VALUES (1, 'cluster', 'requests', 0, 0, 4, 40);
        INSERT INTO fences VALUES ('group', 'cluster', 'requests', 0, 6);
        INSERT INTO sessions VALUES (
            1, 's', 1, 1, 9, 0, 10, 20, 2, 1, 4, '1:7', 8, 0, 1, 'turn-complete', 'request', 4, x'0102');
        INSERT INTO messages VALUES (1, 0, 'u', 'user', 0, x'55'), (1, 1, 'a', 'assistant', 0, x'41');
        INSERT INTO idempotency_keys VALUES (1, 'key', 1, 4);
        INSERT INTO runs VALUES
            (1, 's', 0, 1, 0, 'completed', NULL, NULL, 'eu', 'host', 'request', 1, 4, 1, 10, 100, 200, 'completed',
            'stop', x'7B7D', NULL, 0),
            (2, 's', 1, 1, 1, 'interrupted', 'crash', 'crashed', NULL, 'host', 'request', 1, 5, 9, 20, 300, 310, NULL,
            NULL, NULL, NULL, 0),
            (3, 's', 1, 2, 1, 'running', NULL, NULL, NULL, 'host', 'request', 1, 5, 9, 20, 320, NULL, NULL,
            NULL, NULL, NULL, 0);
        """

    private func withFileOfVersion1(_ body: (String) async throws -> Void) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("sessions.sqlite").path
            let queue = try DatabaseQueue(path: path)
            let first = try #require(SQLiteSchema.migrations.first)
            try await queue.write { database in
                try database.execute(sql: first)
                try database.execute(sql: Self.rowsOfVersion1)
                try database.execute(sql: "PRAGMA user_version = 1")
            }
            try queue.close()
            try await body(path)
        }
    }

    @Test("A file of version 1 is migrated with everything in it")
    func dataStays() async throws {
        try await withFileOfVersion1 { path in
            let store = try SQLiteSessionStore(path: path)
            let log = LogIdentity(cluster: "cluster", topic: "requests", partition: 0, epoch: 0)
            func run(_ turn: Int, _ run: Int, _ status: RunStatus, offset: Int64, startedAt: Int64) -> StoredRun {
                StoredRun(
                    session: "s", turn: turn, run: run, status: status, host: "host", requestID: "request",
                    position: LogPosition(log: log, offset: offset), firstSeq: turn == 0 ? 1 : 9,
                    eventsStart: turn == 0 ? 10 : 20, startedAt: startedAt)
            }
            var dead = run(1, 1, .interrupted, offset: 5, startedAt: 300)
            (dead.cause, dead.causeKind, dead.endedAt) = ("crash", .crashed, 310)
            let running = run(1, 2, .running, offset: 5, startedAt: 320)
            let expected = StoredSession(
                id: "s", revision: 1, turns: 1, nextSeq: 9, createdAt: 10, updatedAt: 20,
                positions: [LogPosition(log: log, offset: 4)], appliedAhead: [LogPosition(log: log, offset: 7)],
                lastControl: StoredEvent(
                    seq: 8, turn: 0, run: 1, control: "turn-complete", requestID: "request", requestOffset: 4,
                    body: [1, 2]),
                messages: [
                    StoredMessage(id: "u", role: "user", turn: 0, body: [0x55]),
                    StoredMessage(id: "a", role: "assistant", turn: 0, body: [0x41]),
                ],
                openRuns: [dead, running])
            #expect(try await store.loadSession("s") == expected)
            var settled = run(0, 1, .completed, offset: 4, startedAt: 100)
            (settled.region, settled.endedAt, settled.outcome) = ("eu", 200, "completed")
            (settled.finishReason, settled.usage) = ("stop", Array("{}".utf8))
            #expect(try await store.run("s/0/1") == settled)
            #expect(try await store.openRuns(log: log) == [dead, running])
            #expect(try await store.idempotencyKey(session: "s", key: "key")?.offset == 4)
            #expect(try await store.knownClusters(topic: "requests") == ["cluster"])
            try await store.close()
        }
    }

    @Test("A file of version 1 takes, once migrated, what version 2 adds")
    func additions() async throws {
        try await withFileOfVersion1 { path in
            let store = try SQLiteSessionStore(path: path)
            let worker = try await Worker(store)
            #expect(worker.fence.token == 7)
            #expect(try await worker.intend("s", turn: 1, run: 2, calls: ["call"]) == .written(revision: 1))
            #expect(try await store.loadSession("s")?.openRuns.map(\.intents) == [[], ["call"]])
            let result = try await worker.settle("s", revision: 1, offset: 5) {
                $0.state = [9]
                $0.dropsRuns = true
            }
            #expect(result == .written(revision: 2))
            try await store.close()

            let again = try SQLiteSessionStore(path: path)
            let session = try #require(try await again.loadSession("s"))
            #expect(session.state == [9] && session.openRuns == [] && session.messages.count == 2)
            try await again.close()
            let version = try await DatabaseQueue(path: path).read { try Int.fetchOne($0, sql: "PRAGMA user_version") }
            #expect(version == SQLiteSchema.version)
        }
    }

    @Test("A file of version 1 takes, once migrated, what version 3 adds")
    func forwarding() async throws {
        try await withFileOfVersion1 { path in
            let store = try SQLiteSessionStore(path: path)
            #expect(try await store.loadSession("s")?.forwarded == nil)
            let worker = try await Worker(store)
            #expect(try await worker.forward("s", offset: 5, to: 3) == .written(revision: 1))
            let forwarded = try await store.loadSession("s")?.forwarded
            #expect(forwarded == ForwardedRequest(topic: "big", key: "from 5", offset: 3))
            try await store.close()
        }
    }

    @Test("A file of version 1 takes, once migrated, what version 4 adds")
    func parks() async throws {
        try await withFileOfVersion1 { path in
            let store = try SQLiteSessionStore(path: path)
            #expect(try await store.parkedSessions() == [])
            try await store.park(ParkedSession(session: "s", reason: "broken", since: 1))
            #expect(try await store.parkedSession("s")?.reason == "broken")
            try await store.close()
        }
    }

    @Test("Stores that open an old file at the same time migrate it once")
    func atTheSameTime() async throws {
        try await withFileOfVersion1 { path in
            try await withThrowingTaskGroup(of: Int64?.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let store = try SQLiteSessionStore(path: path)
                        let revision = try await store.loadSession("s")?.revision
                        try await store.close()
                        return revision
                    }
                }
                for try await revision in group { #expect(revision == 1) }
            }
        }
    }

    @Test("A migrated file has the tables of a new one")
    func sameTables() async throws {
        try await withFileOfVersion1 { path in
            let fresh = path + ".new"
            for file in [path, fresh] { try await SQLiteSessionStore(path: file).close() }
            func columns(_ path: String) async throws -> [String] {
                try await DatabaseQueue(path: path).read { database in
                    try String.fetchAll(
                        database,
                        sql: """
                            SELECT format('%s %s %d %s', tables.name, columns.cid, columns."notnull", columns.name)
                            FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns ORDER BY 1
                            """)
                }
            }
            let migrated = try await columns(path)
            #expect(try await columns(fresh) == migrated)
            #expect(migrated.contains { $0.hasPrefix("session_states ") })
        }
    }

    @Test("A migration that was released never changes")
    func released() {
        // FNV-1a of the statements. Change the schema with a further migration, and add its line here.
        let checksums = SQLiteSchema.migrations.map { migration in
            migration.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        }
        #expect(
            checksums == [
                0xcd87_bc91_9d5c_e949, 0x415d_3f04_fb7c_e6db, 0xa816_b327_51f6_35da, 0xb566_bfc4_55c6_a4fb,
            ])
    }
}
