import Kafka
import Synchronization

/// The events topic and the dead letters, in memory.
final class MemoryEventLog: Sendable {
    static let topic = "chat.events"
    static let deadLetters = "chat.dead-letters"

    private let records = Mutex<[String: [KafkaRecord]]>([:])

    /// - Returns: the record's offset.
    func append(_ record: ProducerRecord) -> Int64 {
        records.withLock { records in
            let offset = Int64(records[record.topic]?.count ?? 0)
            records[record.topic, default: []].append(
                KafkaRecord(
                    topic: record.topic, partition: record.partition ?? 0, offset: offset, timestamp: offset,
                    key: record.key, value: record.value, headers: record.headers))
            return offset
        }
    }

    func end(of topic: String) -> Int64 { records.withLock { Int64($0[topic]?.count ?? 0) } }

    func records(_ topic: String, from offset: Int64 = 0) -> [KafkaRecord] {
        records.withLock { Array(($0[topic] ?? []).dropFirst(Int(offset))) }
    }
}
