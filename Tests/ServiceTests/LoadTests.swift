import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport
import Testing

@Suite("A worker under load", .enabled(if: Tansu.isAvailable))
struct LoadTests {
    @Test(
        "Invariant 3: each of many sessions' requests take effect in offset order, one turn at a time",
        .timeLimit(.minutes(10)))
    func sessionOrder() async throws {
        let seed = testSeed()
        try await withCluster(.tansu, partitions: 3, "session order, CARRYON_TEST_SEED=\(seed)") { cluster in
            var generator = SeededGenerator(seed: seed)
            var remaining = Array(repeating: 0, count: 30)
            var messages: [(session: String, text: String)] = []
            while messages.count < 300 {
                let session = Int.random(in: 0..<30, using: &generator)
                guard remaining[session] < 10 else { continue }
                messages.append(("s\(session)", "question \(remaining[session])"))
                remaining[session] += 1
            }
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker", ["--hosts", "2"])
            let sent = try await cluster.send(messages)
            await watch.add(sent)
            try await watch.waitForAll(sent, timeout: .seconds(90))
            try await watch.finish()
            let records = try await cluster.eventRecords()
            for session in 0..<30 { try await checkOrder(cluster, "s\(session)", sent, records) }
        }
    }

    private func checkOrder(
        _ cluster: Cluster, _ session: String, _ sent: [SentRequest], _ records: [KafkaRecord]
    ) async throws {
        let stored = try await cluster.store.loadSession(session)
        let answers = try (stored?.messages ?? []).map { try Message(parsing: $0.body) }.filter {
            $0.role == .assistant
        }
        try require("\(session)'s answers", answers.count, equals: 10)
        let events = try await cluster.checkConversation(
            session, answers.enumerated().map { ExpectedTurn(question: "question \($0)", answer: $1.text) },
            records: records)
        for (index, answer) in answers.enumerated() where !answer.text.contains("question \(index)") {
            throw Discrepancy("\(session)'s answer \(index)", expected: "one to question \(index)", came: answer.text)
        }
        let turns = events.written.compactMap(\.turn)
        try require("\(session)'s turns as they were written", turns, equals: turns.sorted())
        let offsets = sent.filter { $0.session == session }.map(\.offset)
        let starts = events.kept.filter { if case .control(.turnStart) = $0.body { true } else { false } }
        try require("the offsets of \(session)'s turns", starts.compactMap(\.requestOffset), equals: offsets)
    }

    @Test("Invariant 6: a worker's memory and its reach ahead do not grow with the backlog", .timeLimit(.minutes(10)))
    func backlog() async throws {
        try await withCluster(.tansu, "backlog") { cluster in
            let padding = String(repeating: "x", count: 2_000)
            // 100 MB, of sessions that are all different.
            for batch in 0..<50 {
                _ = try await cluster.send(
                    (0..<1_000).map { ("b\(batch)-\($0)", "#script\nsleep 1s\nsay ok\(padding)") })
            }
            let worker = try await cluster.startWorker(
                "worker",
                [
                    "--max-in-flight", "200", "--max-uncommitted-span", "300", "--kafka-queued-max-messages-kbytes",
                    "2048",
                ])
            try await eventually(timeout: .seconds(40), every: .milliseconds(100)) {
                try await cluster.store.listSessions(after: nil, limit: 1).items.count == 1
            }
            var largest = 0
            var furthest: Int64 = 0
            for _ in 0..<20 {
                largest = max(largest, worker.residentBytes ?? 0)
                furthest = max(furthest, try await reach(cluster))
                try await Task.sleep(for: .milliseconds(200))
            }
            print("backlog: the worker's largest resident size was \(largest >> 20) MiB, its reach \(furthest) offsets")
            try require("the worker's end", worker.ending, equals: nil)
            // The bounds are soft by one batch, of 1,000 records, and another may be settled before the commit shows it.
            guard furthest > 0, furthest <= 2_300 else {
                throw Discrepancy("offsets begun ahead of the commit", expected: "1 to 2,300", came: furthest)
            }
            guard largest > 0, largest < 110 << 20 else {
                throw Discrepancy("the worker's resident size", expected: "less than 110 MiB", came: largest)
            }
        }
    }

    /// How far the newest run of a partition that is under way lies beyond the committed offset.
    private func reach(_ cluster: Cluster) async throws -> Int64 {
        let running = try await cluster.store.listRuns(
            session: nil, status: .running, regions: nil, cursor: nil, limit: 1000)
        let all = (0..<Int32(cluster.partitions)).map { TopicPartition(topic: cluster.requestsTopic, partition: $0) }
        let committed = try await cluster.admin.committedOffsets(group: cluster.name, partitions: all)
        return running.items.map { run in
            let partition = TopicPartition(topic: cluster.requestsTopic, partition: run.position.log.partition)
            return run.position.offset - (committed[partition]?.offset ?? 0) + 1
        }.max() ?? 0
    }
}
