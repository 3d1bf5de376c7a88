internal import CRdkafka

/// What librdkafka said to a record.
enum QueueOutcome {
    case accepted
    /// Its queue is full; nothing was taken.
    case full
    case refused(KafkaError)
}

/// Hands records to librdkafka, with a handle kept for every topic.
struct RecordQueue {
    private static let operation = "write a record"
    private var topics: [String: TopicHandle] = [:]

    /// Never blocks. The delivery is reported through librdkafka if, and only if, the outcome is `accepted`.
    mutating func offer(_ record: ProducerRecord, _ delivery: Delivery?, to handle: ClientHandle) -> QueueOutcome {
        do throws(KafkaError) {
            return try handle.withClient(Self.operation) { client throws(KafkaError) in
                let topic = try topicHandle(record.topic, client)
                return try Self.offer(record, delivery, client, topic, handle.context)
            }
        } catch {
            return .refused(error)
        }
    }

    /// To be called before the client is destroyed.
    mutating func releaseTopics() {
        topics = [:]
    }

    private mutating func topicHandle(_ topic: String, _ client: OpaquePointer) throws(KafkaError) -> TopicHandle {
        if let known = topics[topic] { return known }
        let handle = try TopicHandle(client, topic: topic, operation: Self.operation)
        topics[topic] = handle
        return handle
    }

    private static func offer(
        _ record: ProducerRecord, _ delivery: Delivery?, _ client: OpaquePointer, _ topic: TopicHandle,
        _ context: ClientContext
    ) throws(KafkaError) -> QueueOutcome {
        let partition = record.partition ?? -1
        guard record.partition == nil || partition >= 0 else {
            throw KafkaError(RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, operation: operation)
        }
        let headers = try makeHeaders(record.headers)
        let opaque = delivery.map { Unmanaged.passRetained($0).toOpaque() }
        let code = withBytes(of: record.key) { key, keySize in
            withBytes(of: record.value) { value, valueSize in
                carryon_produce(
                    client, topic.pointer, partition, key, keySize, value, valueSize, headers, opaque)
            }
        }
        if code == RD_KAFKA_RESP_ERR_NO_ERROR { return .accepted }
        if let headers { rd_kafka_headers_destroy(headers) }
        if let opaque { Unmanaged<Delivery>.fromOpaque(opaque).release() }
        if code == RD_KAFKA_RESP_ERR__QUEUE_FULL { return .full }
        throw context.error(client, code, operation: operation)
    }

    private static func makeHeaders(_ headers: [KafkaHeader]) throws(KafkaError) -> OpaquePointer? {
        guard !headers.isEmpty else { return nil }
        guard let list = rd_kafka_headers_new(headers.count) else {
            throw KafkaError(RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, operation: operation)
        }
        for header in headers {
            var name = header.name
            let code = name.withUTF8 { name in
                withBytes(of: header.value) { value, size in
                    name.withMemoryRebound(to: CChar.self) { name in
                        rd_kafka_header_add(list, name.baseAddress, name.count, value, size)
                    }
                }
            }
            if code != RD_KAFKA_RESP_ERR_NO_ERROR {
                rd_kafka_headers_destroy(list)
                throw KafkaError(code, operation: operation)
            }
        }
        return list
    }

    /// A null pointer for nil, and any other for an empty array: to Kafka these are two things.
    private static func withBytes<Result>(
        of bytes: [UInt8]?, _ body: (UnsafeRawPointer?, Int) -> Result
    ) -> Result {
        guard let bytes else { return body(nil, 0) }
        if bytes.isEmpty {
            return withUnsafeBytes(of: UInt8(0)) { body($0.baseAddress, 0) }
        }
        return bytes.withUnsafeBytes { body($0.baseAddress, $0.count) }
    }
}
