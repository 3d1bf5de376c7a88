import Conversation
package import Kafka

/// The ``SideRecord`` that says that its session's history was taken back to before a turn.
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
        guard let side = SideRecord(record, header: Self.header), let turn = side.content["turn"]?.int, turn >= 0,
            let nextSeq = side.content["nextSeq"]?.int
        else { return nil }
        self.init(session: side.session, turn: turn, nextSeq: Int64(nextSeq))
    }

    /// The record for the partition that has the session's events.
    package func made(topic: String, partition: Int32) -> ProducerRecord {
        let content: JSON = ["turn": .number(JSONNumber(turn)), "nextSeq": .number(JSONNumber(Int(nextSeq)))]
        return SideRecord(session, content).made(header: Self.header, topic: topic, partition: partition)
    }
}
