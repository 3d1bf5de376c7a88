import Conversation
import Kafka
import TestSupport
import Testing

@Suite("The harness itself: what it is to notice, it notices")
struct HarnessTests {
    @Test("A commit that passes a request that is not settled is noticed", .timeLimit(.minutes(10)))
    func commitAhead() async throws {
        try await withCluster(.embedded, partitions: 1, "commit ahead") { cluster in
            let watch = CommitWatch(cluster)
            await watch.start()
            _ = try await cluster.startWorker("worker")
            let sent = try await cluster.send("hello", to: "s")
            // The same offset as a request of a session that never has an answer.
            let ghost = SentRequest(session: "ghost", partition: sent.partition, offset: sent.offset)
            await watch.add([sent, ghost])
            await #expect(throws: Discrepancy.self) {
                try await watch.waitForAll([sent], timeout: .seconds(30))
                try await watch.finish()
            }
        }
    }

    @Test(
        "A seq that is missing is noticed, and so is one that two runs wrote, which is forgotten by the reader's rule")
    func gaps() throws {
        let whole = try SessionEvents(session: "s", records: [record(1, run: 1), record(2, run: 1), record(2, run: 2)])
        try whole.checkGapless()
        #expect(whole.kept.map(\.run) == [1, 2])
        let gap = try SessionEvents(session: "s", records: [record(1, run: 1), record(3, run: 1)])
        #expect(throws: Discrepancy.self) { try gap.checkGapless() }
    }

    private func record(_ seq: Int64, run: Int) -> KafkaRecord {
        let event = Event(
            session: "s", seq: seq, turn: 0, run: run, body: .chunk(.textDelta(TextDelta(id: "t", delta: "\(run)"))))
        return KafkaRecord(
            topic: "events", partition: 0, offset: seq, key: Array("s".utf8), value: event.valueBytes,
            headers: event.headers.map { KafkaHeader(name: $0.name, value: $0.value) })
    }
}
