import Conversation
import Kafka
import NIOCore

/// One event as a session's readers share it, however many they are.
struct EventFrame: Sendable {
    let seq: Int64
    /// Of the turn's chat stream: what tells one turn's events from another's.
    let head: EventHeaders
    /// The record's value: one JSON object.
    let value: [UInt8]

    init?(_ record: KafkaRecord) {
        // Somebody else's record under our key is none of the session's events.
        guard let value = record.value,
            let head = try? EventHeaders(key: record.key, headers: record.headers.map { ($0.name, $0.value) })
        else { return nil }
        seq = head.seq
        self.head = head
        self.value = value
    }
}

/// What a session's readers are told, one after the other.
enum Reading: Sendable {
    case event(EventFrame)
    /// What lower runs wrote from this seq on did not happen: somebody who has seen it is to forget it.
    case forget(from: Int64)
    /// The topic holds these events no more; the messages are what came of them.
    case transcript(from: Int64, to: Int64, messages: [JSON])
    /// The reader was too slow for what is kept; nothing follows.
    case lagged(after: Int64)
}
