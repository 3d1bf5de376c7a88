package import Kafka

/// The record on the events topic that says that everything before it of its session was erased: a tombstone, so that a
/// topic that is compacted lets go of the rest too. Readers pass it over, as it has no `seq`.
package enum ErasureRecord {
    private static let header = "erased"

    /// The record for a partition that has events of the session.
    package static func make(session: String, topic: String, partition: Int32) -> ProducerRecord {
        ProducerRecord(
            topic: topic, partition: partition, key: Array(session.utf8), value: nil,
            headers: [KafkaHeader(header, "true")])
    }

    /// The session that `record` tells the erasure of; `nil` if it is any other record.
    package static func session(of record: KafkaRecord) -> String? {
        guard record.value == nil, record.headerString(header) == "true" else { return nil }
        return record.keyString
    }
}
