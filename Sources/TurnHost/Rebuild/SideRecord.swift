import Conversation
import Kafka

/// A record on the events topic that tells of a change of a session which none of its events does, at its place among them.
/// It has neither a value nor a `seq`, so that readers pass it over; what it says stands in a header.
struct SideRecord {
    let session: String
    let content: JSON

    init(_ session: String, _ content: JSON) {
        self.session = session
        self.content = content
    }

    /// Reads one that has this header; `nil` if it is any other record.
    init?(_ record: KafkaRecord, header: String) {
        guard record.value == nil, let text = record.header(header), let session = record.keyString,
            let content = try? JSON(parsing: text)
        else { return nil }
        self.init(session, content)
    }

    /// The record for a partition that has events of the session.
    func made(header: String, topic: String, partition: Int32) -> ProducerRecord {
        ProducerRecord(
            topic: topic, partition: partition, key: Array(session.utf8), value: nil,
            headers: [KafkaHeader(name: header, value: content.serialized())])
    }
}
