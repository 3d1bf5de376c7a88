package import Kafka

/// What a record says that an operator sent again from the dead letters.
package struct Redrive: Sendable, Hashable {
    /// The headers' names.
    package enum Header {
        /// `TOPIC-PARTITION-OFFSET` of the dead letter.
        package static let letter = "redrive-of"
        /// When that letter was written: a topic that is made again has other letters at the same places.
        package static let letterTimestamp = "redrive-of-timestamp"
        /// `PARTITION-OFFSET` of the request as its producer had sent it.
        package static let origin = "redrive-origin"
        /// How many times the request was sent again by now.
        package static let count = "redrives"

        package static let all = [letter, letterTimestamp, origin, count]
    }

    /// `TOPIC-PARTITION-OFFSET` of the dead letter.
    package var letter: String
    /// Milliseconds since 1970; nil if the record does not say.
    package var letterTimestamp: Int64?
    /// `PARTITION-OFFSET` of the request as its producer had sent it; nil if the record does not say.
    package var origin: String?
    package var count: Int

    package init(letter: String, letterTimestamp: Int64?, origin: String?, count: Int) {
        self.letter = letter
        self.letterTimestamp = letterTimestamp
        self.origin = origin
        self.count = count
    }

    /// Nil for a record that no dead letter is named in, or none that could be one.
    package init?(_ record: KafkaRecord) {
        guard let letter = record.headerString(Header.letter), Self.isPlace(letter, parts: 3) else { return nil }
        self.letter = letter
        letterTimestamp = record.headerString(Header.letterTimestamp).flatMap { Int64($0) }
        origin = record.headerString(Header.origin).flatMap { Self.isPlace($0, parts: 2) ? $0 : nil }
        count = max(1, record.headerString(Header.count).flatMap { Int($0) } ?? 1)
    }

    /// What keeps a letter that is sent twice from taking effect twice. It stands in for the request's own key, which
    /// was recorded when the request was set aside, and would now make a duplicate of it.
    package var idempotencyKey: String {
        "\(Header.letter):\(letter)" + (letterTimestamp.map { "@\($0)" } ?? "")
    }

    package var headers: [KafkaHeader] {
        var headers = [KafkaHeader(Header.letter, letter)]
        if let letterTimestamp { headers.append(KafkaHeader(Header.letterTimestamp, String(letterTimestamp))) }
        if let origin { headers.append(KafkaHeader(Header.origin, origin)) }
        return headers + [KafkaHeader(Header.count, String(count))]
    }

    /// Whether `text` ends in a partition and an offset, behind a topic's name if there are three parts.
    private static func isPlace(_ text: String, parts: Int) -> Bool {
        let numbers = text.split(separator: "-", omittingEmptySubsequences: false).suffix(2)
        guard numbers.count == 2, text.utf8.count <= 300,
            let partition = numbers.first.flatMap({ Int32($0) }), let offset = numbers.last.flatMap({ Int64($0) })
        else { return false }
        let place = "\(partition)-\(offset)"
        return parts == 2 ? text == place : text.hasSuffix("-\(place)") && text.utf8.count > place.utf8.count + 1
    }
}
