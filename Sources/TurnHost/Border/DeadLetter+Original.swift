package import Kafka

extension DeadLetter {
    /// The headers of a dead letter that say why it is one.
    ///
    /// They are the last run of headers that starts with the topic of origin: a header of the same name that the
    /// request's producer had set stands in front of it.
    package static func ownHeaders(of letter: KafkaRecord) -> [KafkaHeader] {
        ownRange(in: letter.headers).map { Array(letter.headers[$0]) } ?? []
    }

    /// The headers of a dead letter that the request's producer had set: those that came with the record, without
    /// what an earlier redrive added.
    package static func originalHeaders(of letter: KafkaRecord) -> [KafkaHeader] {
        var headers = letter.headers
        if let range = ownRange(in: headers) { headers.removeSubrange(range) }
        guard letter.redrive != nil else { return headers }
        return headers.filter { !Redrive.Header.all.contains($0.name) }
    }

    private static func ownRange(in headers: [KafkaHeader]) -> Range<Int>? {
        guard let start = headers.lastIndex(where: { $0.name == Header.originalTopic }) else { return nil }
        let ours = Set(Header.all)
        return start..<(headers[start...].firstIndex { !ours.contains($0.name) } ?? headers.endIndex)
    }
}
