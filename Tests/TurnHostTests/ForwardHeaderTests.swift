import Kafka
import Testing
import TurnHost

@Suite("What a forwarded record says of the one that it stands for")
struct ForwardHeaderTests {
    private static func record(
        topic: String = "chat-in", partition: Int32 = 3, offset: Int64 = 9, timestamp: Int64 = 5,
        headers: [KafkaHeader] = []
    ) -> KafkaRecord {
        KafkaRecord(
            topic: topic, partition: partition, offset: offset, timestamp: timestamp, key: [1], value: [2],
            headers: headers)
    }

    private static func read(_ written: ProducerRecord, offset: Int64 = 0) -> KafkaRecord {
        KafkaRecord(
            topic: written.topic, partition: written.partition ?? 0, offset: offset, timestamp: 8, key: written.key,
            value: written.value, headers: written.headers)
    }

    @Test("It is read as it was written, whatever is in the topic's name", arguments: [5, -1] as [Int64])
    func roundTrip(timestamp: Int64) {
        let first = Self.record(timestamp: timestamp, headers: [KafkaHeader("tenant", "t")])
        let read = Self.read(first.forwarded(to: "big"))
        #expect(read.forward == Forward(of: first))
        #expect(read.forward?.source == "chat-in-3-9")
        #expect(read.fallbackRequestID == "3-9")
        #expect(read.tenant == "t")
        #expect((read.partition, read.key, read.value) == (3, [1], [2]))
    }

    @Test("The last header counts, as one of that name may be the producer's own")
    func last() {
        let first = Self.record(headers: [KafkaHeader("forwarded-from", "other-0-0")])
        #expect(Self.read(first.forwarded(to: "big")).forward?.source == "chat-in-3-9")
    }

    @Test(
        "What names no record of another topic is none",
        arguments: ["", "x", "3-9", "-3-9", "t-3", "t-3-", "t-3--9", "t-3-x", "chat-in-3-9"])
    func malformed(text: String) {
        #expect(Self.record(headers: [KafkaHeader("forwarded-from", text)]).forward == nil)
    }

    @Test("Records that differ in anything have different keys, and the same one always the same")
    func keys() {
        let records = [
            Self.record(), Self.record(topic: "chat"), Self.record(partition: 4), Self.record(offset: 10),
            Self.record(timestamp: 6), Self.record(timestamp: -1),
            Self.record(headers: Redrive(letter: "d-0-0", letterTimestamp: 1, origin: nil, count: 1).headers),
        ]
        let keys = records.map { Self.read($0.forwarded(to: "big")) }.map { $0.forward?.idempotencyKey($0.redrive) }
        #expect(Set(keys).count == records.count)
        #expect(keys == records.map { Forward(of: $0).idempotencyKey($0.redrive) })
    }
}
