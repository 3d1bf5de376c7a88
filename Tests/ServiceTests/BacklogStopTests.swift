import Conversation
import Foundation
import Kafka
import SessionStore
import Synchronization
import TestSupport
import Testing

@Suite("Stops over a backlog", .enabled(if: Tansu.isAvailable))
struct BacklogStopTests {
    @Test(
        "A stop with 100,000 requests in front of it on its partition ends its turn at once", .timeLimit(.minutes(10)))
    func stopOverBacklog() async throws {
        try await withCluster(.tansu, partitions: 1, "stop over a backlog") { cluster in
            // As many turns as the worker takes in, none of which ends by itself.
            _ = try await cluster.send((0..<100).map { ("v\($0)", "#script\ntokens 1000000 1s") })
            for batch in 0..<20 { _ = try await cluster.send((0..<5_000).map { ("b\(batch)-\($0)", "hello") }) }
            let worker = try await cluster.startWorker("worker", ["--max-in-flight", "100"])
            let completes = TurnCompletes(cluster)
            defer { completes.end() }
            try await eventually(timeout: .seconds(240), every: .milliseconds(100)) {
                try await cluster.store.listRuns(
                    session: nil, status: .running, regions: nil, cursor: nil, limit: 1000
                ).items.count >= 100
            }
            // The first one waits until the backlog has been looked through once.
            let first = try await stop("v99", cluster, completes, timeout: .seconds(120))
            var times: [Duration] = []
            for index in 0..<20 {
                times.append(try await stop("v\(index)", cluster, completes, timeout: .seconds(60)))
            }
            times.sort()
            print(
                "stop over a backlog: first \(first), then p50 \(times[9]), worst of 20 \(times[19]), sent to complete")
            try require("the worker's end", worker.ending, equals: nil)
            for session in ["v0", "v19"] {
                try require(
                    "\(session)'s stop", try await cluster.events(of: session).turnsCompleted.map(\.stopped),
                    equals: [true])
            }
            try require("whether another turn was stopped", completes.time(of: "v20") == nil, equals: true)
        }
    }

    /// Stops a session's turn.
    /// - Returns: how long that took.
    private func stop(
        _ session: String, _ cluster: Cluster, _ completes: TurnCompletes, timeout: Duration
    ) async throws -> Duration {
        let sent = ContinuousClock.now
        let value = Array(#"{"type":"stop","reason":"enough"}"#.utf8)
        _ = try await cluster.produce(key: Array(session.utf8), value: value, partition: 0)
        return try await eventually(timeout: timeout, every: .milliseconds(1)) {
            completes.time(of: session).map { $0 - sent }
        }
    }
}

/// When each session's first turn was seen to be complete.
private final class TurnCompletes: Sendable {
    private let times = Mutex<[String: ContinuousClock.Instant]>([:])
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ cluster: Cluster) {
        let events = TopicPartition(topic: cluster.eventsTopic, partition: 0)
        let properties: KafkaProperties = [
            "bootstrap.servers": cluster.bootstrapServers, "log_level": "0", "fetch.wait.max.ms": "50",
        ]
        let task = Task {
            guard let reader = try? KafkaReader(properties, logger: Cluster.quiet) else { return }
            _ = try? await reader.read(from: [events: .beginning], untilEnd: false) { records in
                for record in records where record.headerString("control") == "turn-complete" {
                    self.times.withLock { $0[record.keyString ?? ""] = $0[record.keyString ?? ""] ?? .now }
                }
                return .proceed
            }
            await reader.close()
        }
        self.task.withLock { $0 = task }
    }

    func time(of session: String) -> ContinuousClock.Instant? { times.withLock { $0[session] } }

    func end() { task.withLock { $0 }?.cancel() }
}
