internal import CRdkafka

extension ClientHandle {
    /// The partition counts of all topics. Of all, since asking for single ones could create them. Blocks.
    static func topics(
        _ client: OpaquePointer, timeout: Duration, operation: String
    ) throws(KafkaError) -> [String: Int] {
        var metadata: UnsafePointer<rd_kafka_metadata>?
        let code = rd_kafka_metadata(client, 1, nil, &metadata, timeout.milliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw KafkaError(code, operation: operation) }
        defer { rd_kafka_metadata_destroy(metadata) }
        var found: [String: Int] = [:]
        for topic in UnsafeBufferPointer(start: metadata.pointee.topics, count: Int(metadata.pointee.topic_cnt))
        where topic.partition_cnt > 0 {
            if let name = topic.topic { found[String(cString: name)] = Int(topic.partition_cnt) }
        }
        return found
    }
}
