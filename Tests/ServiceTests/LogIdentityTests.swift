import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport
import Testing

@Suite("A log that is not the log it was: nothing is skipped, and the conversation goes on")
struct LogIdentityTests {
    @Test("A fresh broker under the same store and group: `carryon dev` started again", .timeLimit(.minutes(10)))
    func freshBroker() async throws {
        try await withCluster(.embedded, "fresh broker") { cluster in
            var asked = 0
            try await converse(cluster, questions: 3, asked: &asked)
            try await withReplacement(of: cluster, partitions: cluster.partitions) { replacement in
                try await converse(replacement, questions: 3, asked: &asked)
            }
            // Fewer records than before, so that every offset has been settled in another log.
            try await withReplacement(of: cluster, partitions: cluster.partitions) { replacement in
                try await converse(replacement, questions: 1, asked: &asked)
            }
        }
    }

    @Test("A broker whose topics have more partitions: keys move to others", .timeLimit(.minutes(10)))
    func morePartitions() async throws {
        try await withCluster(.embedded, partitions: 1, "more partitions") { cluster in
            var asked = 0
            try await converse(cluster, questions: 2, asked: &asked)
            try await withReplacement(of: cluster, partitions: 5) { replacement in
                try await converse(replacement, questions: 3, asked: &asked)
            }
        }
    }

    @Test(
        "A session whose key moves to another partition of the same topic goes on there", .timeLimit(.minutes(10)),
        arguments: [BrokerKind.tansu, .embedded].filter(\.isAvailable))
    func movedKey(_ broker: BrokerKind) async throws {
        try await withCluster(broker, partitions: 3, "moved key") { cluster in
            let worker = try await cluster.startWorker("worker")
            var asked = 0
            // As after partitions were added: first all in one, then in another whose offsets are lower.
            for partition in [0, 0, 0, 2, 2, 1] as [Int32] {
                try await ask(cluster, partition: partition, asked: &asked)
            }
            try await drain(worker)
            try await check(cluster, asked)
        }
    }

    @Test(
        "A topic that was deleted and made again: its new requests do not look old", .timeLimit(.minutes(10)),
        .enabled(if: Tansu.isAvailable))
    func topicMadeAgain() async throws {
        try await withCluster(.tansu, partitions: 1, "topic made again") { cluster in
            var asked = 0
            try await converse(cluster, questions: 3, asked: &asked)
            try await cluster.remakeTopic(cluster.requestsTopic)
            try await converse(cluster, questions: 1, asked: &asked)
            try await cluster.remakeTopic(cluster.requestsTopic)
            try await cluster.remakeTopic(cluster.eventsTopic)
            try await converse(cluster, questions: 4, asked: &asked, eventsAreWhole: false)
        }
    }

    /// A worker answers some questions, one after the other, and is gone again.
    private func converse(
        _ cluster: Cluster, questions: Int, asked: inout Int, eventsAreWhole: Bool = true
    ) async throws {
        let worker = try await cluster.startWorker("worker-\(asked)")
        let first = asked
        for _ in 0..<questions { try await ask(cluster, partition: nil, asked: &asked) }
        try await drain(worker)
        try await check(cluster, asked)
        guard eventsAreWhole else { return }
        let turns = try await cluster.events(of: "s").turnsCompleted.map(\.turn)
        try require("the turns told to readers", Array(turns.suffix(questions)), equals: Array(first..<asked))
    }

    private func ask(_ cluster: Cluster, partition: Int32?, asked: inout Int) async throws {
        let request: JSON = ["type": "message", "text": .string("question \(asked)")]
        let sent = try await cluster.produce(
            key: Array("s".utf8), value: request.serialized(), partition: partition, session: "s")
        let turn = asked
        asked += 1
        do {
            try await eventually(timeout: .seconds(40), every: .milliseconds(50)) {
                try await cluster.runs(of: "s").contains { $0.turn == turn && $0.status == .completed }
            }
        } catch is NeverHappened {
            let turns = try await cluster.runs(of: "s").map { "\($0.turn): \($0.position.offset)" }
            throw Discrepancy(
                "turn \(turn), asked for at \(sent.partition), offset \(sent.offset)", expected: "a completed run",
                came: "none; the turns' offsets are \(turns)")
        }
    }

    private func drain(_ worker: CarryonProcess) async throws {
        worker.signal(SIGTERM)
        try require("the worker's end", try await worker.end(within: .seconds(40)), equals: .done)
    }

    private func check(_ cluster: Cluster, _ asked: Int) async throws {
        let stored = try await cluster.store.loadSession("s")
        let messages = try (stored?.messages ?? []).map { try Message(parsing: $0.body) }
        try require(
            "the transcript's roles", messages.map(\.role), equals: (0..<asked).flatMap { _ in [.user, .assistant] })
        try require(
            "the questions", messages.filter { $0.role == .user }.map(\.text),
            equals: (0..<asked).map { "question \($0)" })
    }

    /// Runs with another broker under the same names and the same store, whose logs are empty.
    private func withReplacement(
        of cluster: Cluster, partitions: Int, _ body: (Cluster) async throws -> Void
    ) async throws {
        let replacement = try await Cluster(.embedded, partitions: partitions, sharing: cluster)
        do {
            try await body(replacement)
        } catch {
            let words = replacement.lastWords()
            await replacement.end()
            throw ClusterFailure(description: "\(error)\n\(words)")
        }
        await replacement.end()
    }
}
