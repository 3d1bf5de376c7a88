import Conversation
import Kafka

/// One thing to be done for a session, in its requests' order.
enum RebuildStep: Sendable {
    /// A request that an event has closed. Its record is `nil` if the requests topic does not have it (any more).
    case closed(FoldedRequest, RebuiltRequest?)
    /// A request that leaves no event, and is settled because of its key, or because the group has committed it.
    case silent(RebuiltRequest, nextSeq: Int64?)
    /// A request that the group has committed, though no event closes it.
    case unclosed(RebuiltRequest)
    /// What was said up to here was erased. At a time in milliseconds since 1970.
    case erased(at: Int64)
    /// The history was taken back. At a time in milliseconds since 1970.
    case rewound(RewindRecord, at: Int64)
    /// `onTurnComplete` had the session otherwise. At a time in milliseconds since 1970.
    case amended(AmendmentRecord, at: Int64)
    /// A request that was begun and not settled.
    case open(FoldedRequest)
}

/// A request as the requests topic has it.
final class RebuiltRequest: Sendable {
    let record: KafkaRecord
    let request: Request

    /// What its events call it.
    var id: String { request.id ?? record.fallbackRequestID }

    init(_ record: KafkaRecord, _ request: Request) {
        self.record = record
        self.request = request
    }
}
