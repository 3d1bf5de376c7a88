import Foundation
import Synchronization
import Testing

@testable import SessionStore

/// Processes that write and are killed with SIGKILL, and what the file holds afterwards.
@Suite("A process that is killed while it writes", .timeLimit(.minutes(2)))
struct KillTests {
    @Test(
        "Killed in a transaction: no acknowledged settlement is lost, and none is there by half",
        arguments: [1, 2, 10, 60])
    func killedInTransaction(transaction: Int) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.path
            await #expect(processExitsWith: .signal(SIGKILL)) {
                [path = path as String, transaction = transaction as Int] in
                let count = Atomic(0)
                let log = try AcknowledgedSettlements(directory: path)
                try await log.settleForEver { _ in
                    if count.add(1, ordering: .relaxed).newValue == transaction { kill(getpid(), SIGKILL) }
                }
            }
            try await AcknowledgedSettlements.check(directory: path)
        }
    }

    @Test("Killed at the step before the commit: the settlement is not there")
    func killedBeforeCommit() async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.appendingPathComponent("sessions.sqlite").path
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
                let store = try SQLiteSessionStore(path: path) { step in
                    if step == .inTransaction(sessions: ["second"]) { kill(getpid(), SIGKILL) }
                }
                let worker = try await Worker(store)
                _ = try await worker.settle("first")
                _ = try await worker.settle("second")
            }
            let store = try SQLiteSessionStore(path: path)
            #expect(try await store.loadSession("first")?.revision == 1)
            #expect(try await store.loadSession("second") == nil)
            try await store.close()
        }
    }

    @Test("Killed at any instant, while another process goes on writing", arguments: Array(1...6) as [UInt64])
    func killedAtAnyInstant(seed: UInt64) async throws {
        try await withTemporaryDirectory { directory in
            let path = directory.path
            var random = SeededGenerator(seed: seed)
            let delay = UInt32(20_000 + random.below(60_000))
            let survivor = try SQLiteSessionStore(path: path + "/sessions.sqlite")
            let worker = try await Worker(survivor, partition: 9)
            let isDone = Atomic(false)
            async let surviving: Int64 = {
                var revision: Int64 = 0
                while !isDone.load(ordering: .relaxed) {
                    let result = try await worker.settle("survivor", revision: revision, offset: revision)
                    #expect(result == .written(revision: revision + 1), "seed \(seed)")
                    revision += 1
                }
                return revision
            }()
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, delay = delay as UInt32] in
                let log = try AcknowledgedSettlements(directory: path)
                Thread {
                    usleep(delay)
                    kill(getpid(), SIGKILL)
                }.start()
                try await log.settleForEver { _ in }
            }
            isDone.store(true, ordering: .relaxed)
            let revision = try await surviving
            #expect(try await survivor.loadSession("survivor")?.revision == revision, "seed \(seed)")
            try await AcknowledgedSettlements.check(directory: path)
            try await survivor.close()
        }
    }
}

/// A process's settlements, and a file of those that the store has acknowledged to it.
struct AcknowledgedSettlements: Sendable {
    private static let sessions = 8
    private let directory: String
    private let descriptor: Int32

    init(directory: String) throws {
        self.directory = directory
        descriptor = open(Self.path(directory), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        try #require(descriptor >= 0)
    }

    private static func path(_ directory: String) -> String { directory + "/acknowledged" }

    /// Settles turn after turn in several sessions at once, noting each after its acknowledgement.
    func settleForEver(onStep: @escaping @Sendable (CommitStep) -> Void) async throws {
        let store = try SQLiteSessionStore(path: directory + "/sessions.sqlite", onStep: onStep)
        let worker = try await Worker(store)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<Self.sessions {
                group.addTask {
                    for turn in 0... { try await settle(turn, of: "s\(index)", by: worker) }
                }
            }
            try await group.waitForAll()
        }
    }

    private func settle(_ turn: Int, of session: String, by worker: Worker) async throws {
        let revision = Int64(turn)
        let begun = try await worker.begin(session, revision: revision, turn: turn, offset: revision)
        try #require(begun == .written(revision: revision))
        let intended = try await worker.intend(session, turn: turn, calls: ["call\(turn)"])
        try #require(intended == .written(revision: revision))
        try note("\(session) \(revision) intended")
        let settled = try await worker.settle(session, revision: revision, offset: revision) {
            $0.turn = TurnSettlement(turn: turn, run: 1, status: .completed, outcome: "completed")
            $0.history.append = [message("u\(turn)", turn: turn), message("a\(turn)", turn: turn)]
            $0.turns = turn + 1
            $0.idempotencyKey = "key\(turn)"
            $0.state = Array("state\(turn)".utf8)
        }
        try #require(settled == .written(revision: revision + 1))
        try note("\(session) \(revision + 1) settled")
    }

    private func note(_ acknowledged: String) throws {
        let line = Array("\(acknowledged)\n".utf8)
        try #require(write(descriptor, line, line.count) == line.count)
    }

    /// Checks what the file holds against what was acknowledged, and that every session is whole.
    static func check(directory: String) async throws {
        var acknowledged: [String: Int64] = [:]
        var intended: [String: Int64] = [:]
        for line in try String(contentsOfFile: path(directory), encoding: .utf8).split(separator: "\n") {
            let parts = line.split(separator: " ")
            if parts[2] == "intended" {
                intended[String(parts[0])] = Int64(parts[1])
            } else {
                acknowledged[String(parts[0])] = Int64(parts[1])
            }
        }
        let store = try SQLiteSessionStore(path: directory + "/sessions.sqlite")
        for index in 0..<sessions {
            let id = "s\(index)"
            guard let session = try await store.loadSession(id) else {
                #expect(acknowledged[id] == nil && intended[id] == nil)
                continue
            }
            let revision = session.revision
            #expect(revision >= acknowledged[id] ?? 0)
            let turns = 0..<Int(revision)
            #expect(session.turns == turns.count || revision == 0)
            #expect(session.positions.map(\.offset) == (revision == 0 ? [] : [revision - 1]))
            #expect(session.messages.map(\.id) == turns.flatMap { ["u\($0)", "a\($0)"] })
            #expect(session.state == turns.last.map { Array("state\($0)".utf8) })
            let call = "call\(revision)"
            #expect(session.openRuns.allSatisfy { [[], [call]].contains($0.intents) })
            if intended[id] == revision { #expect(session.openRuns.map(\.intents) == [[call]]) }
            #expect(session.openRuns.count <= 1 && session.openRuns.allSatisfy { $0.turn == turns.count })
            for turn in turns {
                #expect(try await store.run(StoredRun.id(session: id, turn: turn, run: 1))?.status == .completed)
                #expect(try await store.idempotencyKey(session: id, key: "key\(turn)")?.offset == Int64(turn))
            }
            #expect(try await store.idempotencyKey(session: id, key: "key\(revision)") == nil)
        }
        try await store.close()
    }
}
