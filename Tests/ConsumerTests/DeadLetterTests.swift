import Kafka
import Testing
import TurnHost

@Suite("Dead letters")
struct DeadLetterTests {
    @Test("The record is kept as it was, and the reasons follow as decimal text")
    func headers() {
        let record = KafkaRecord(
            topic: "chat.requests", partition: 2, offset: 7, timestamp: 99, key: nil, value: [0xFF],
            headers: [KafkaHeader(name: "cause", value: nil), KafkaHeader(name: "traceparent", value: [1])])
        let letter = DeadLetter(
            record: record, consumerGroup: "g", cause: .crashLoop, code: "crash_loop", message: "It died.", attempts: 3,
            turn: 4, checkpointRevision: 5)
        let written = letter.producerRecord(topic: "chat.dead-letters")
        #expect(written.topic == "chat.dead-letters")
        #expect(written.key == nil)
        #expect(written.value == [0xFF])
        #expect(Array(written.headers.prefix(2)) == record.headers)
        let added = written.headers.dropFirst(2).map { "\($0.name)=\(String(decoding: $0.value ?? [], as: UTF8.self))" }
        #expect(
            added == [
                "kafka_dlt-original-topic=chat.requests", "kafka_dlt-original-partition=2",
                "kafka_dlt-original-offset=7", "kafka_dlt-original-timestamp=99",
                "kafka_dlt-original-consumer-group=g", "kafka_dlt-exception-fqcn=crash_loop",
                "kafka_dlt-exception-message=It died.", "cause=crash-loop", "attempts=3", "turn=4",
                "checkpoint-revision=5",
            ])
    }

    @Test("What is not known is left out")
    func optional() {
        let record = KafkaRecord(topic: "t", partition: 0, offset: 0)
        let letter = DeadLetter(
            record: record, consumerGroup: "g", cause: .undecodable, code: "tombstone", message: "m")
        let names = letter.producerRecord(topic: "d").headers.map(\.name)
        #expect(!names.contains("attempts") && !names.contains("turn") && !names.contains("checkpoint-revision"))
    }
}
