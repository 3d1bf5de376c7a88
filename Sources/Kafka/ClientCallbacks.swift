internal import CRdkafka

/// What a kind of client does when librdkafka calls back. It calls only from inside a poll (or a close) of the
/// application: on the client's poll thread, except for a synchronous commit, which polls for its own reply.
protocol ClientCallbacks: AnyObject, Sendable {
    func delivered(_ message: UnsafePointer<rd_kafka_message_t>, _ error: KafkaError?)
    func rebalanced(
        _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
        _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>)
    /// `token` is what the commit was started with; the partitions are nil if it never came to a request.
    func committed(
        token: Int, _ code: rd_kafka_resp_err_t, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?)
    func failed(_ error: KafkaError)
}

extension ClientCallbacks {
    func delivered(_ message: UnsafePointer<rd_kafka_message_t>, _ error: KafkaError?) {}
    func rebalanced(
        _ client: OpaquePointer, _ code: rd_kafka_resp_err_t,
        _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>
    ) {}
    func committed(
        token: Int, _ code: rd_kafka_resp_err_t, _ partitions: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?
    ) {}
    func failed(_ error: KafkaError) {}
}
