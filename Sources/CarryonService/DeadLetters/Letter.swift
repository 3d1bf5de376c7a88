import Conversation
import Kafka
import TurnHost

/// A dead letter, as far as it is kept in memory: without its value, as there may be many.
struct Letter: Sendable, Hashable {
    /// Where the request stood that was set aside.
    struct Origin: Sendable, Hashable {
        var topic: String
        var partition: Int32
        var offset: Int64
        /// Milliseconds since 1970; negative if the broker gave none.
        var timestamp: Int64
        var consumerGroup: String

        var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }
    }

    var id: LetterID
    var key: [UInt8]?
    /// `nil` if the letter does not say: somebody else has written it.
    var origin: Origin?
    /// Where its producer sends requests, and where it is sent again: not the topic that it was set aside from if it
    /// was forwarded to that one. Whoever reads the other one is in charge of the session, and must hear of it first.
    var destination: TopicPartition?
    /// When the request was written there, in milliseconds since 1970; negative if nobody says.
    var sentAt: Int64
    /// The offset that the request had there at first, before it was ever sent again: its place in the conversation.
    var place: Int64
    /// As the letter says it, or "unknown".
    var cause: String
    var code: String?
    var attempts: Int?
    /// The number of the turn that was given up.
    var turn: Int?
    /// When it was set aside, in milliseconds since 1970.
    var writtenAt: Int64
    /// How many times the request had been sent again before.
    var redrives: Int
    /// The record's own size.
    var byteCount: Int

    /// What a record of the dead letters topic says, unless it is a ``LetterResolution``.
    init(_ record: KafkaRecord) {
        let headers = DeadLetter.ownHeaders(of: record)
        func text(_ name: String) -> String? {
            headers.last { $0.name == name }?.value.flatMap { String(validating: $0, as: UTF8.self) }
        }
        id = LetterID(partition: record.partition, offset: record.offset)
        key = record.key
        let origin = Origin(text)
        self.origin = origin
        let redrive = record.redrive
        let forward = Forward(record, of: origin?.topic ?? record.topic)
        // What somebody else has written is not sent anywhere, whatever it says.
        let source = origin == nil ? nil : forward
        let destination =
            source.map { TopicPartition(topic: $0.topic, partition: $0.partition) } ?? origin?.topicPartition
        self.destination = destination
        sentAt = (source == nil ? origin?.timestamp : source?.timestamp) ?? -1
        let first = redrive?.origin.flatMap { LetterID($0) }
        place =
            first.flatMap { $0.partition == destination?.partition ? $0.offset : nil }
            ?? source?.offset ?? origin?.offset ?? record.offset
        cause = text(DeadLetter.Header.cause) ?? "unknown"
        code = text(DeadLetter.Header.code)
        attempts = text(DeadLetter.Header.attempts).flatMap { Int($0) }
        turn = text(DeadLetter.Header.turn).flatMap { Int($0) }
        writtenAt = record.timestamp
        redrives = redrive?.count ?? 0
        byteCount = record.byteCount
    }

    /// The session whose request it was; `nil` if the key can't be a session's.
    var session: String? { try? SessionID.validate(key) }

    var isUndecodable: Bool { cause == DeadLetter.Cause.undecodable.rawValue }

    /// What the record that is sent again says of this letter.
    func redrive(topic: String) -> Redrive {
        Redrive(
            letter: "\(topic)-\(id)", letterTimestamp: writtenAt < 0 ? nil : writtenAt,
            origin: destination.map { "\($0.partition)-\(place)" }, count: redrives + 1)
    }
}

extension Letter.Origin {
    /// - Parameter text: the value of a letter's own header.
    fileprivate init?(_ text: (String) -> String?) {
        guard let topic = text(DeadLetter.Header.originalTopic), !topic.isEmpty,
            let partition = text(DeadLetter.Header.originalPartition).flatMap({ Int32($0) }), partition >= 0,
            let offset = text(DeadLetter.Header.originalOffset).flatMap({ Int64($0) }), offset >= 0
        else { return nil }
        self.init(
            topic: topic, partition: partition, offset: offset,
            timestamp: text(DeadLetter.Header.originalTimestamp).flatMap { Int64($0) } ?? -1,
            consumerGroup: text(DeadLetter.Header.consumerGroup) ?? "")
    }
}
