import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("Workers with names of their own in the group", .enabled(if: Tansu.isAvailable))
struct StaticMembershipTests {
    @Test(
        "A worker that is killed and started again under its name has its partitions back, and its answers go on",
        .timeLimit(.minutes(5)))
    func restarted() async throws {
        try await withCluster(.tansu, partitions: 4, "static membership") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            // Without their names, the members would be told apart by what they are called here, and the one that comes
            // back would be behind the other.
            let one = try await start("one", client: "a", cluster)
            let two = try await start("two", client: "m", cluster)
            try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                [one, two].allSatisfy { assignment(of: $0)?.count == 2 }
            }
            let (before, others) = (assignment(of: one), assignment(of: two))
            let question = Counting.program(to: 120, every: "100ms")
            let sent = try await cluster.send((0..<8).map { ("s-\($0)", question) })
            await watch.add(sent)
            for request in sent { try await cluster.waitForText(of: request.session ?? "") }

            one.signal(SIGKILL)
            let again = try await start("one", client: "z", cluster)
            try await watch.waitForAll(sent, timeout: .seconds(90))
            try await watch.finish()
            let records = try await cluster.eventRecords()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 120))
            var recovered = 0
            for request in sent {
                let events = try await cluster.checkConversation(request.session ?? "", [turn], records: records)
                if before?.contains("\(request.partition)") == true { recovered += events.recoveries.count }
            }
            guard recovered > 0 else {
                throw Discrepancy(
                    "the answers of the worker that was killed", expected: "at least one that goes on", came: "none")
            }
            do {
                try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                    assignment(of: again) == before && assignment(of: two) == others
                }
            } catch is NeverHappened {
                throw Discrepancy(
                    "the partitions of the worker that came back", expected: before as Any,
                    came: assignment(of: again) as Any)
            }
        }
    }

    private func start(_ name: String, client: String, _ cluster: Cluster) async throws -> CarryonProcess {
        try await cluster.start(
            ["work"], name: "\(name)-\(client)",
            variables: [
                "CARRYON_KAFKA_GROUP_INSTANCE_ID": name, "CARRYON_KAFKA_CLIENT_ID": client,
                "CARRYON_KAFKA_PARTITION_ASSIGNMENT_STRATEGY": "range",
            ])
    }

    /// The partitions that the worker was given last, as its log has them.
    private func assignment(of worker: CarryonProcess) -> [String]? {
        worker.errorText.split(separator: "\n").last { $0.contains("Partitions were assigned") }
            .flatMap { $0.firstMatch(of: #/assigned=\[([^\]]*)\]/#) }
            .map { $0.1.split(separator: ", ").map(String.init) }
    }
}
