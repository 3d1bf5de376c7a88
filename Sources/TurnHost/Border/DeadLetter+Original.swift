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
    /// what an earlier redrive added, or the worker that forwarded it.
    package static func originalHeaders(of letter: KafkaRecord) -> [KafkaHeader] {
        var headers = letter.headers
        var topic = letter.topic
        if let range = ownRange(in: headers) {
            // Its run of headers begins with it.
            topic = headers[range.lowerBound].value.flatMap { String(validating: $0, as: UTF8.self) } ?? topic
            headers.removeSubrange(range)
        }
        var added: [String] = []
        if letter.redrive != nil { added += Redrive.Header.all }
        if Forward(letter, of: topic) != nil { added += Forward.Header.all }
        return headers.filter { !added.contains($0.name) }
    }

    private static func ownRange(in headers: [KafkaHeader]) -> Range<Int>? {
        guard let start = headers.lastIndex(where: { $0.name == Header.originalTopic }) else { return nil }
        let ours = Set(Header.all)
        return start..<(headers[start...].firstIndex { !ours.contains($0.name) } ?? headers.endIndex)
    }
}
