internal import CRdkafka

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Takes messages from a consumer one by one, copies what is needed and gives each back at once: a held message pins
/// the whole fetched buffer. (Polling in batches, `rd_kafka_consume_batch_queue`, loses records in librdkafka 2.0.2.)
struct MessagePoll {
    private var lastTopic = TopicName(Array("".utf8CString))

    /// The next message; nil if none came within `wait` milliseconds, or a callback was served instead.
    mutating func next(_ client: OpaquePointer, context: ClientContext, wait: Int32) -> PolledMessage? {
        guard let message = rd_kafka_consumer_poll(client, wait) else { return nil }
        defer { rd_kafka_message_destroy(message) }
        switch message.pointee.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            return .record(record(message))
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            let partition = TopicPartition(topic: topic(of: message), partition: message.pointee.partition)
            return .end(partition, offset: message.pointee.offset)
        case let code:
            let reason = rd_kafka_message_errstr(message).map { String(cString: $0) }
            let error = context.error(client, code, operation: "consume", reason: reason)
            guard message.pointee.rkt != nil else { return .failed(error, nil) }
            return .failed(
                error, TopicPartition(topic: topic(of: message), partition: message.pointee.partition))
        }
    }

    private mutating func record(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> KafkaRecord {
        var kind = RD_KAFKA_TIMESTAMP_NOT_AVAILABLE
        let timestamp = rd_kafka_message_timestamp(message, &kind)
        return KafkaRecord(
            topic: topic(of: message), partition: message.pointee.partition, offset: message.pointee.offset,
            timestamp: kind == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? -1 : timestamp,
            key: Self.bytes(message.pointee.key, message.pointee.key_len),
            value: Self.bytes(message.pointee.payload, message.pointee.len), headers: Self.headers(message))
    }

    /// Most messages are of the topic of the one before: its name is made once. By content, since librdkafka may
    /// use the address of a topic's handle again for another topic.
    private mutating func topic(of message: UnsafeMutablePointer<rd_kafka_message_t>) -> String {
        guard let handle = message.pointee.rkt, let name = rd_kafka_topic_name(handle) else { return "" }
        if !lastTopic.matches(name) {
            lastTopic = TopicName(Array(UnsafeBufferPointer(start: name, count: strlen(name) + 1)))
        }
        return lastTopic.text
    }

    private static func headers(_ message: UnsafeMutablePointer<rd_kafka_message_t>) -> [KafkaHeader] {
        var list: OpaquePointer?
        guard rd_kafka_message_headers(message, &list) == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { return [] }
        let count = rd_kafka_header_cnt(list)
        var headers: [KafkaHeader] = []
        headers.reserveCapacity(count)
        for index in 0..<count {
            var name: UnsafePointer<CChar>?
            var value: UnsafeRawPointer?
            var size = 0
            guard rd_kafka_header_get_all(list, index, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR else {
                break
            }
            headers.append(
                KafkaHeader(name: name.map { String(cString: $0) } ?? "", value: bytes(value, size)))
        }
        return headers
    }

    private static func bytes(_ start: UnsafeRawPointer?, _ count: Int) -> [UInt8]? {
        guard let start else { return nil }
        return Array(UnsafeRawBufferPointer(start: start, count: count))
    }
}

private struct TopicName {
    let zeroTerminated: [CChar]
    let text: String

    init(_ zeroTerminated: [CChar]) {
        self.zeroTerminated = zeroTerminated
        text = String(nulTerminated: zeroTerminated)
    }

    func matches(_ name: UnsafePointer<CChar>) -> Bool {
        strcmp(zeroTerminated, name) == 0
    }
}
