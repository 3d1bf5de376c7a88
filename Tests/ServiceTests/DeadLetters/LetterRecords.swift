import Kafka
import TurnHost

@testable import CarryonService

/// Records of a dead letters topic, as workers and operators write them.
enum LetterRecords {
    static let topic = "chat.dead-letters"
    static let requests = "chat.requests"

    static func letter(
        at id: LetterID, session: String? = "s", from offset: Int64 = 0, partition: Int32 = 0, timestamp: Int64 = 1_000,
        cause: DeadLetter.Cause = .crashLoop, turn: Int? = nil, headers: [KafkaHeader] = [], writtenAt: Int64 = 2_000
    ) -> KafkaRecord {
        let request = KafkaRecord(
            topic: requests, partition: partition, offset: offset, timestamp: timestamp,
            key: session.map { Array($0.utf8) }, value: Array("{}".utf8), headers: headers)
        let letter = DeadLetter(
            record: request, consumerGroup: "g", cause: cause, code: "a_code", message: "A sentence.", attempts: 3,
            turn: turn)
        return record(letter.producerRecord(topic: topic), at: id, timestamp: writtenAt)
    }

    /// As it is read that was written.
    static func record(_ written: ProducerRecord, at id: LetterID, timestamp: Int64 = 3_000) -> KafkaRecord {
        KafkaRecord(
            topic: written.topic, partition: id.partition, offset: id.offset, timestamp: timestamp, key: written.key,
            value: written.value, headers: written.headers)
    }
}

extension LetterID: ExpressibleByStringLiteral {
    /// A literal that is none is a letter that nobody has.
    init(stringLiteral text: String) {
        self = LetterID(text) ?? LetterID(partition: -1, offset: -1)
    }
}
