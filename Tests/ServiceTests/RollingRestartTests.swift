import Foundation
import SessionStore
import TestSupport
import Testing

@Suite("A rolling restart under load", .enabled(if: Tansu.isAvailable))
struct RollingRestartTests {
    @Test(
        "Each worker of a group is replaced in mid-answer: no turn is lost or run twice, and no budget pays for it",
        .timeLimit(.minutes(10)))
    func everyWorker() async throws {
        let store = try TestStore(postgresAt: try await PostgresServer.shared().createDatabase())
        try await withCluster(.tansu, partitions: 4, store: store, "rolling restart") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            // One charged death would be too many.
            let flags = ["--drain-timeout", "300ms", "--crash-attempts", "1"]
            var workers: [CarryonProcess] = []
            for number in 0..<2 { workers.append(try await cluster.startWorker("old-\(number)", flags)) }
            let question = Counting.program(to: 400, every: "100ms")
            let sent = try await cluster.send((0..<16).map { ("s-\($0)", question) })
            await watch.add(sent)
            for session in ["s-0", "s-15"] { try await cluster.waitForText(of: session) }
            for (number, worker) in workers.enumerated() {
                let next = try await cluster.startWorker("new-\(number)", flags)
                try await eventually(timeout: .seconds(60), every: .milliseconds(50)) {
                    next.errorText.contains("Partitions were assigned")
                }
                worker.signal(SIGTERM)
                try require("the worker's end", try await worker.end(within: .seconds(40)), equals: .done)
            }
            try await watch.waitForAll(sent, timeout: .seconds(120))
            try await watch.finish()
            let records = try await cluster.eventRecords()
            let turn = ExpectedTurn(question: question, answer: Counting.answer(to: 400))
            var causes: Set<String> = []
            for request in sent {
                let events = try await cluster.checkConversation(request.session ?? "", [turn], records: records)
                causes.formUnion(events.recoveryCauses)
            }
            try require("the causes told to readers", causes, equals: ["handover"])
        }
    }
}
