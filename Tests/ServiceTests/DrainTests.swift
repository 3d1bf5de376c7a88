import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("Graceful drain: SIGTERM to a worker in mid-answer")
struct DrainTests {
    @Test(
        "With too little time the answer is handed over, and the reader sees it unbroken; no budget pays for it",
        .timeLimit(.minutes(10)), arguments: [BrokerKind.tansu, .embedded].filter(\.isAvailable))
    func handover(_ broker: BrokerKind) async throws {
        try await withCluster(broker, "handover") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            // One death would be too many for this budget: a handover must not be one.
            let flags = ["--crash-attempts", "1", "--drain-timeout", "200ms"]
            let first = try await cluster.startWorker("first", flags)
            let question = Counting.program(to: 100, every: "100ms")
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            try await cluster.waitForText(of: "s")
            first.signal(SIGTERM)
            try require("the worker's end", try await first.end(within: .seconds(20)), equals: .done)
            let runs = try await cluster.runs(of: "s")
            try require("the run's end", runs.map(\.causeKind), equals: [.handover])
            _ = try await cluster.startWorker("second", flags)
            try await watch.waitForAll([sent], timeout: .seconds(60))
            try await watch.finish()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 100))
            let events = try await cluster.checkConversation("s", [turn])
            try require("the causes told to the reader", events.recoveryCauses, equals: ["handover"])
            let statuses = try await cluster.runs(of: "s").map(\.status)
            try require("the runs", statuses, equals: [.interrupted, .completed])
        }
    }

    @Test(
        "With enough time the turn completes and is committed before the worker ends", .timeLimit(.minutes(10)),
        arguments: [BrokerKind.tansu, .embedded].filter(\.isAvailable))
    func completion(_ broker: BrokerKind) async throws {
        try await withCluster(broker, "completion") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            let worker = try await cluster.startWorker("worker", ["--drain-timeout", "20s"])
            let question = Counting.program(to: 60, every: "100ms")
            let sent = try await cluster.send(question, to: "s")
            await watch.add([sent])
            try await cluster.waitForText(of: "s")
            worker.signal(SIGTERM)
            try require("the worker's end", try await worker.end(within: .seconds(30)), equals: .done)
            try await watch.waitForAll([sent], timeout: .seconds(5))
            try await watch.finish()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 60))
            let events = try await cluster.checkConversation("s", [turn])
            try require("recovered records", events.recoveryCauses, equals: [])
            try require("the runs", try await cluster.runs(of: "s").map(\.status), equals: [.completed])
        }
    }
}
