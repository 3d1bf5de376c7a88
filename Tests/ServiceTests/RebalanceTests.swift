import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("Workers that come and go under load", .enabled(if: Tansu.isAvailable))
struct RebalanceTests {
    @Test(
        "Invariants 1, 2 and 5: two workers join and leave, and every session has its answer once",
        .timeLimit(.minutes(10)))
    func joinAndLeave() async throws {
        try await withCluster(.tansu, partitions: 4, "join and leave") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            let question = Counting.program(to: 20, every: "100ms")
            var sent: [SentRequest] = []
            func wave(_ name: String) async throws {
                let requests = try await cluster.send((0..<12).map { ("\(name)-\($0)", question) })
                await watch.add(requests)
                sent += requests
            }
            let first = try await cluster.startWorker("first", ["--drain-timeout", "500ms"])
            try await wave("alone")
            try await cluster.waitForText(of: "alone-0")
            let second = try await cluster.startWorker("second")
            // The group's rebalance falls among these.
            for index in 0..<40 where try await !hasRun(second, cluster) {
                try await wave("joining-\(index)")
                try await Task.sleep(for: .seconds(1))
            }
            guard try await hasRun(second, cluster) else {
                throw Discrepancy("the second worker", expected: "a turn within 40 s", came: "none")
            }
            try await wave("both")
            try await Task.sleep(for: .milliseconds(800))
            first.signal(SIGTERM)
            try await wave("leaving")
            try require("the first worker's end", try await first.end(within: .seconds(40)), equals: .done)
            try await watch.waitForAll(sent, timeout: .seconds(90))
            try await watch.finish()
            let records = try await cluster.eventRecords()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 20))
            for request in sent {
                try await cluster.checkConversation(request.session ?? "", [turn], records: records)
            }
        }
    }

    /// Whether a turn was run by one of the worker's hosts, whose names have its process's number.
    private func hasRun(_ worker: CarryonProcess, _ cluster: Cluster) async throws -> Bool {
        guard let processID = worker.processID else { return false }
        let runs = try await cluster.store.listRuns(session: nil, status: nil, regions: nil, cursor: nil, limit: 1000)
        return runs.items.contains { $0.host.contains("-\(processID)-") }
    }
}
