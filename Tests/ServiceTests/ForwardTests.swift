import Conversation
import Kafka
import SessionStore
import TestSupport
import Testing

@Suite("Requests that go to workers with more memory", .enabled(if: Tansu.isAvailable))
struct ForwardTests {
    @Test(
        "A request that is too large for its worker is answered by one with more memory, and its session goes on",
        .timeLimit(.minutes(10)))
    func forwarded() async throws {
        try await withCluster(.tansu, partitions: 1, "forwarded") { cluster in
            let (topic, group) = ("\(cluster.name).big", "\(cluster.name)-big")
            try await cluster.admin.createTopic(name: topic, partitions: 1)
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker(
                "small", ["--host-memory-limit", "300MB", "--out-of-memory-topic", topic])
            _ = try await cluster.startWorker(
                "big", ["--host-memory-limit", "3GB", "--requests-topic", topic, "--group-id", group])
            let large = "#script\ntokens 10 10ms\nallocate 700MiB\ntokens 60 100ms"
            let first = try await cluster.send(large, to: "s")
            await watch.add([first])
            try await watch.waitForAll([first], timeout: .seconds(90))
            // While the answer goes on over there.
            let second = try await cluster.send("#script\ntokens 5", to: "s")
            await watch.add([second])
            try await watch.waitForAll([second], timeout: .seconds(60))
            let there = TopicPartition(topic: topic, partition: 0)
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                try await cluster.admin.committedOffsets(group: group, partitions: [there])[there]?.offset == 2
            }
            let last = try await cluster.send("#script\ntokens 6", to: "s")
            await watch.add([last])
            try await watch.waitForAll([last], timeout: .seconds(60))
            try await watch.finish()

            let events = try await cluster.checkConversation(
                "s",
                [
                    ExpectedTurn(question: large, answer: Counting.answer(to: 10) + Counting.answer(to: 60)),
                    ExpectedTurn(question: "#script\ntokens 5", answer: Counting.answer(to: 5)),
                    ExpectedTurn(question: "#script\ntokens 6", answer: Counting.answer(to: 6)),
                ])
            try require("dead letters", try await cluster.deadLetters().count, equals: 0)
            try require(
                "how the first turn's runs ended",
                try await cluster.runs(of: "s").filter { $0.turn == 0 }.map(\.causeKind),
                equals: [.outOfMemory, .outOfMemory, .handover, nil])
            try require(
                "the logs of the runs", try await cluster.runs(of: "s").map(\.position.log.topic),
                equals: Array(repeating: cluster.requestsTopic, count: 3) + [topic, topic, cluster.requestsTopic])
            try require(
                "the offsets that readers are told", Set(events.kept.compactMap(\.requestOffset)),
                equals: Set([first, second, last].map(\.offset)))
        }
    }

    @Test("A topic with too few partitions to forward to is refused at the start", .timeLimit(.minutes(5)))
    func tooFewPartitions() async throws {
        try await withCluster(.tansu, partitions: 2, "too few partitions") { cluster in
            let topic = "\(cluster.name).big"
            try await cluster.admin.createTopic(name: topic, partitions: 1)
            let worker = try await cluster.run(["work", "--out-of-memory-topic", topic])
            try require("the worker's end", try await worker.end(within: .seconds(30)), equals: .exited(2))
            let words = worker.lastWords()
            guard words.contains("topic \(topic) has 1 partitions, fewer than the 2") else {
                throw Discrepancy("what the worker says", expected: "both numbers", came: words)
            }
        }
    }
}
