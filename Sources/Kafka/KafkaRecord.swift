/// A record as it came from the broker, copied out of librdkafka's buffers.
package struct KafkaRecord: Sendable, Hashable {
    package var topic: String
    package var partition: Int32
    package var offset: Int64
    /// Milliseconds since 1970, or -1 when the broker gave none.
    package var timestamp: Int64
    package var key: [UInt8]?
    package var value: [UInt8]?
    package var headers: [KafkaHeader]

    package init(
        topic: String, partition: Int32, offset: Int64, timestamp: Int64 = -1, key: [UInt8]? = nil,
        value: [UInt8]? = nil, headers: [KafkaHeader] = []
    ) {
        self.topic = topic
        self.partition = partition
        self.offset = offset
        self.timestamp = timestamp
        self.key = key
        self.value = value
        self.headers = headers
    }

    package var topicPartition: TopicPartition { TopicPartition(topic: topic, partition: partition) }

    /// The key as text; nil if there is none or it is not UTF-8.
    package var keyString: String? { key.flatMap { String(validating: $0, as: UTF8.self) } }

    /// The value of the last header of that name; nil if there is none or its value is null.
    package func header(_ name: String) -> [UInt8]? {
        headers.last { $0.name == name }?.value
    }

    /// The value of the last header of that name as text; nil also if it is not UTF-8.
    package func headerString(_ name: String) -> String? {
        header(name).flatMap { String(validating: $0, as: UTF8.self) }
    }

    /// What the record weighs in memory, roughly: its bytes without the containers around them.
    package var byteCount: Int {
        (key?.count ?? 0) + (value?.count ?? 0)
            + headers.reduce(0) { $0 + $1.name.utf8.count + ($1.value?.count ?? 0) }
    }
}
