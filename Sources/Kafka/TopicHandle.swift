internal import CRdkafka

/// The one owner of an `rd_kafka_topic_t`. It has to be gone before its client is destroyed.
final class TopicHandle: @unchecked Sendable {
    /// Immutable here, and locked inside by librdkafka, which shares it between its own threads as well.
    let pointer: OpaquePointer

    init(_ client: OpaquePointer, topic: String, operation: String) throws(KafkaError) {
        // A name with a zero in it would silently become another topic's.
        guard !topic.isEmpty, !topic.utf8.contains(0) else {
            throw KafkaError(
                RD_KAFKA_RESP_ERR__INVALID_ARG, operation: operation, reason: "invalid topic name '\(topic)'")
        }
        guard let pointer = rd_kafka_topic_new(client, topic, nil) else {
            throw KafkaError(rd_kafka_last_error(), operation: operation)
        }
        self.pointer = pointer
    }

    deinit {
        rd_kafka_topic_destroy(pointer)
    }
}
