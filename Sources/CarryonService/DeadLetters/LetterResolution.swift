import Conversation
import Kafka
import TurnHost

/// What an operator did about a dead letter: a record of its own on the dead letters topic, behind the letter in the
/// same partition, with the letter's key, no content, and headers that say it all.
struct LetterResolution: Sendable, Hashable {
    enum Kind: String, Sendable, Hashable, CaseIterable {
        /// The request was sent again.
        case redriven
        /// The request is not wanted any more.
        case discarded
    }

    /// The headers' names.
    enum Header {
        static let resolution = "resolution"
        static let letter = "letter"
        static let at = "at"
        static let reason = "reason"
        static let sentTo = "sent-to"

        static let all = [resolution, letter, at, reason, sentTo]
    }

    var kind: Kind
    var letter: LetterID
    var at: Timestamp
    var reason: String?
    /// Where the request went, in its letter's ``Letter/destination``; `nil` if the broker did not say.
    var sentTo: LetterID?

    init(_ kind: Kind, of letter: LetterID, at: Timestamp, reason: String? = nil, sentTo: LetterID? = nil) {
        self.kind = kind
        self.letter = letter
        self.at = at
        self.reason = reason
        self.sentTo = sentTo
    }

    /// `nil` for a record that is a letter: also for one whose producer had set headers of these names.
    init?(_ record: KafkaRecord) {
        guard DeadLetter.ownHeaders(of: record).isEmpty,
            let kind = record.headerString(Header.resolution).flatMap(Kind.init),
            let letter = record.headerString(Header.letter).flatMap({ LetterID($0) }),
            letter.partition == record.partition, letter.offset < record.offset
        else { return nil }
        self.kind = kind
        self.letter = letter
        at =
            record.headerString(Header.at).flatMap { Timestamp(rfc3339: $0) }
            ?? Timestamp(milliseconds: record.timestamp)
        reason = record.headerString(Header.reason)
        sentTo = record.headerString(Header.sentTo).flatMap { LetterID($0) }
    }

    /// - Parameter key: the letter's.
    func record(topic: String, key: [UInt8]?) -> ProducerRecord {
        var headers = [
            KafkaHeader(Header.resolution, kind.rawValue), KafkaHeader(Header.letter, letter.description),
            KafkaHeader(Header.at, at.rfc3339),
        ]
        if let reason { headers.append(KafkaHeader(Header.reason, reason)) }
        if let sentTo { headers.append(KafkaHeader(Header.sentTo, sentTo.description)) }
        // Empty and not null: a null value means to a compacted topic that the key's records may go.
        return ProducerRecord(topic: topic, partition: letter.partition, key: key, value: [], headers: headers)
    }
}
