import Conversation
import Kafka

/// The ``SideRecord`` that says what `onTurnComplete` has changed after its turn was settled. To apply it twice comes to
/// the same as to apply it once.
struct AmendmentRecord: Sendable, Hashable {
    private static let header = "amended"

    var session: String
    /// The turn that was settled last.
    var turn: Int
    /// The seq of the session's next event: once there is one, the history has gone on from what the amendment made of it.
    var nextSeq: Int64
    var checkpoint: CheckpointRecord

    init(session: String, turn: Int, nextSeq: Int64, checkpoint: CheckpointRecord) {
        self.session = session
        self.turn = turn
        self.nextSeq = nextSeq
        self.checkpoint = checkpoint
    }

    /// Reads one; `nil` if it is any other record.
    init?(_ record: KafkaRecord) {
        guard let side = SideRecord(record, header: Self.header), let turn = side.content["turn"]?.int, turn >= 0,
            let nextSeq = side.content["nextSeq"]?.int, let value = side.content["checkpoint"],
            case .checkpoint(let checkpoint) = try? ControlRecord(subtype: "checkpoint", value: value)
        else { return nil }
        self.init(session: side.session, turn: turn, nextSeq: Int64(nextSeq), checkpoint: checkpoint)
    }

    /// The record for the partition that has the session's events.
    func made(topic: String, partition: Int32) -> ProducerRecord {
        let content: JSON = [
            "turn": .number(JSONNumber(turn)), "nextSeq": .number(JSONNumber(Int(nextSeq))),
            "checkpoint": ControlRecord.checkpoint(checkpoint).json,
        ]
        return SideRecord(session, content).made(header: Self.header, topic: topic, partition: partition)
    }
}
