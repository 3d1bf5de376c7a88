import Conversation
import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("A worker that stalls and wakes up late")
struct FencingTests {
    @Test(
        "Invariant 4: what a worker does after it has lost its partitions changes no session and no reader's answer",
        .timeLimit(.minutes(10)), arguments: [BrokerKind.tansu, .embedded].filter(\.isAvailable))
    func stalledWorker(_ broker: BrokerKind) async throws {
        try await withCluster(broker, partitions: 1, "stalled worker") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            let first = try await cluster.startWorker("first")
            let question = Counting.program(to: 150, every: "80ms")
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            try await cluster.waitForText(of: "s")
            let stalled = first.family
            try require("the stalled processes, a worker, its host and a spare", stalled.count, equals: 3)
            for processID in stalled { kill(processID, SIGSTOP) }
            _ = try await cluster.startWorker("second")
            do {
                try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                    try await cluster.runs(of: "s").contains { $0.run == 2 }
                }
            } catch is NeverHappened {
                throw Discrepancy("a second run, by the second worker", expected: "within 60 s", came: "none")
            }
            // It has the rest of its answer to say, and does not know that it is another's now.
            for processID in stalled { kill(processID, SIGCONT) }
            try await watch.waitForAll([sent], timeout: .seconds(60))
            let next = try await cluster.send("and then", to: "s")
            await watch.add([next])
            try await watch.waitForAll([sent, next], timeout: .seconds(60))
            try await watch.finish()
            let answer = try await cluster.events(of: "s").answer(turn: 1).text
            try await cluster.checkConversation(
                "s",
                [
                    ExpectedTurn(question: question, answer: Counting.answer(to: 150)),
                    ExpectedTurn(question: "and then", answer: answer),
                ])
            let runs = try await cluster.runs(of: "s").map { "\($0.turn)/\($0.run) \($0.status.rawValue)" }
            try require("the runs", runs, equals: ["0/1 interrupted", "0/2 completed", "1/1 completed"])
        }
    }

    @Test(
        "Invariant 4: a worker that stops in the middle of a settlement and wakes up when its partition is another's settles nothing twice, and holds nobody up",
        .timeLimit(.minutes(10)), .enabled(if: Tansu.isAvailable))
    func stalledSettlement() async throws {
        let server = try await PostgresServer.shared()
        let store = try TestStore(postgresAt: try await server.createDatabase())
        try await withCluster(.tansu, partitions: 1, store: store, "stalled settlement") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            // Turns run in the worker's own process, so that all of it stands still.
            let first = try await cluster.startWorker("first", ["--hosts", "0", "--stall-at", "worker:in-settle"])
            let question = Counting.program(to: 20, every: "20ms")
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            let processID = try #require(first.processID)
            try await eventually(timeout: .seconds(60), every: .milliseconds(20)) {
                let state = try String(contentsOfFile: "/proc/\(processID)/stat", encoding: .utf8)
                return state.split(separator: ")").last?.hasPrefix(" T") == true
            }
            _ = try await cluster.startWorker("second")
            // The transaction of the one that stands still must not keep the partition from its new owner.
            try await watch.waitForAll([sent], timeout: .seconds(60))
            kill(processID, SIGCONT)
            let next = try await cluster.send(question, to: "s")
            await watch.add([next])
            try await watch.waitForAll([sent, next], timeout: .seconds(60))
            try await watch.finish()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 20))
            try await cluster.checkConversation("s", [turn, turn])
            let runs = try await cluster.runs(of: "s").map { "\($0.turn)/\($0.run) \($0.status.rawValue)" }
            try require("the runs", runs, equals: ["0/1 interrupted", "0/2 completed", "1/1 completed"])
        }
    }
}
