import Conversation
package import Kafka

/// The record on the events topic that says that its session's history was taken back to before a turn, at this place among
/// its events. It has neither a value nor a `seq`, so that readers pass it over.
package struct RewindRecord: Sendable, Hashable {
    private static let header = "rewound"

    package var session: String
    /// The first turn that is not in the history any more.
    package var turn: Int
    /// The seq of the session's next event: once there is one, the history has gone on from where it was taken back to.
    package var nextSeq: Int64

    package init(session: String, turn: Int, nextSeq: Int64) {
        self.session = session
        self.turn = turn
        self.nextSeq = nextSeq
    }

    /// Reads one; `nil` if it is any other record.
    package init?(_ record: KafkaRecord) {
        guard record.value == nil, let header = record.headerString(Self.header), let session = record.keyString,
            let json = try? JSON(parsing: Array(header.utf8)),
            let turn = json["turn"]?.int, turn >= 0, let nextSeq = json["nextSeq"]?.int
        else { return nil }
        self.init(session: session, turn: turn, nextSeq: Int64(nextSeq))
    }

    /// The record for the partition that has the session's events.
    package func made(topic: String, partition: Int32) -> ProducerRecord {
        let header: JSON = ["turn": .number(JSONNumber(turn)), "nextSeq": .number(JSONNumber(Int(nextSeq)))]
        return ProducerRecord(
            topic: topic, partition: partition, key: Array(session.utf8), value: nil,
            headers: [KafkaHeader(Self.header, header.serializedString)])
    }
}
