internal import CRdkafka

extension ClientHandle {
    func queryWatermarks(
        of partition: TopicPartition, timeout: Duration, on calls: BlockingCalls
    ) async throws(KafkaError) -> Watermarks {
        let operation = "query watermarks"
        return try await calls.run { [self] () throws(KafkaError) in
            try withClient(operation) { client throws(KafkaError) in
                var (low, high) = (Int64(0), Int64(0))
                let code = rd_kafka_query_watermark_offsets(
                    client, partition.topic, partition.partition, &low, &high, timeout.milliseconds)
                if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw context.error(client, code, operation: operation) }
                return Watermarks(low: low, high: high)
            }
        }
    }
}
