package import Kafka

/// What a record says that a worker has written to another topic, because its machine has too little memory for the
/// request, or for one in front of it.
package struct Forward: Sendable, Hashable {
    /// The headers' names.
    package enum Header {
        /// `TOPIC-PARTITION-OFFSET` of the record that the worker had read.
        package static let origin = "forwarded-from"
        /// When that record was written: a topic that is made again has other records at the same places.
        package static let originTimestamp = "forwarded-from-timestamp"
        package static let reason = "forwarded-for"

        package static let all = [origin, originTimestamp, reason]
    }

    /// The only reason there is.
    package static let outOfMemory = "out-of-memory"

    package var topic: String
    package var partition: Int32
    package var offset: Int64
    /// Milliseconds since 1970; nil if the record does not say.
    package var timestamp: Int64?

    /// What a record says that is written in place of `record`.
    package init(of record: KafkaRecord) {
        topic = record.topic
        partition = record.partition
        offset = record.offset
        timestamp = record.timestamp < 0 ? nil : record.timestamp
    }

    /// Nil for a record that no other is named in, or none of another topic.
    /// - Parameter topic: where the record stands, or the request did that it is a dead letter of.
    package init?(_ record: KafkaRecord, of topic: String) {
        guard let source = record.headerString(Header.origin) else { return nil }
        self.init(source: source)
        timestamp = record.headerString(Header.originTimestamp).flatMap { Int64($0) }
        guard self.topic != topic else { return nil }
    }

    /// Nil for a text that is no ``reference``.
    init?(reference: String) {
        // No topic's name has this sign in it.
        let parts = reference.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return nil }
        self.init(source: String(parts[0]))
        guard parts.count == 2 else { return }
        guard let timestamp = Int64(parts[1]) else { return nil }
        self.timestamp = timestamp
    }

    /// Nil for a text that is no ``source``.
    private init?(source: String) {
        guard source.utf8.count <= 300 else { return nil }
        let parts = source.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, let partition = Int32(parts[parts.count - 2]), partition >= 0,
            let offset = parts.last.flatMap({ Int64($0) }), offset >= 0
        else { return nil }
        topic = parts.dropLast(2).joined(separator: "-")
        guard !topic.isEmpty else { return nil }
        self.partition = partition
        self.offset = offset
    }

    /// `TOPIC-PARTITION-OFFSET` of the record that the worker had read.
    package var source: String { "\(topic)-\(place)" }

    /// All that is known of it in one word: `TOPIC-PARTITION-OFFSET@TIMESTAMP`.
    package var reference: String { source + (timestamp.map { "@\($0)" } ?? "") }

    /// `PARTITION-OFFSET` of the record that the worker had read.
    package var place: String { "\(partition)-\(offset)" }

    /// What its settlement records, so that the same request, forwarded twice, takes effect once, and the worker that
    /// sent it knows that it is settled.
    ///
    /// - Parameter redrive: what the record says of a dead letter that it comes from: that is another request.
    package func idempotencyKey(_ redrive: Redrive?) -> String {
        let key = "\(Header.origin):\(reference)"
        return redrive.map { "\(key) \($0.idempotencyKey)" } ?? key
    }

    package var headers: [KafkaHeader] {
        var headers = [KafkaHeader(Header.origin, source)]
        if let timestamp { headers.append(KafkaHeader(Header.originTimestamp, String(timestamp))) }
        return headers + [KafkaHeader(Header.reason, Self.outOfMemory)]
    }
}

extension KafkaRecord {
    /// What the record says of the one that it stands for, if a worker has forwarded it.
    package var forward: Forward? { Forward(self, of: topic) }

    /// The record that stands for this one in another topic.
    package func forwarded(to topic: String) -> ProducerRecord {
        ProducerRecord(
            topic: topic, partition: partition, key: key, value: value,
            headers: headers + Forward(of: self).headers)
    }
}
