import Conversation
package import Kafka

/// The ``SideRecord`` that says that everything before it of its session was erased: a tombstone, so that a topic that is
/// compacted lets go of the rest too.
package enum ErasureRecord {
    private static let header = "erased"

    /// The record for a partition that has events of the session.
    package static func make(session: String, topic: String, partition: Int32) -> ProducerRecord {
        SideRecord(session, true).made(header: header, topic: topic, partition: partition)
    }

    /// The session that `record` tells the erasure of; `nil` if it is any other record.
    package static func session(of record: KafkaRecord) -> String? {
        guard let side = SideRecord(record, header: header), side.content == true else { return nil }
        return side.session
    }
}
