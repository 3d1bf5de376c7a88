internal import CRdkafka
internal import Synchronization

/// A consumer client that one read uses at a time, with a thread's worth of blocking calls.
final class ReaderClient: Sendable {
    struct Batch {
        var records: [KafkaRecord] = []
        /// Partitions whose end was reached, or that which they had when they were assigned was passed; with the next
        /// record's offset.
        var ends: [TopicPartition: Int64] = [:]
        /// What cannot be got over by waiting.
        var failure: KafkaError?
    }

    private let handle: ClientHandle
    private let calls = BlockingCalls(label: "kafka-reader", isSerial: true)
    private let reading = Mutex((poll: MessagePoll(), ends: EndsInSight()))

    init(_ properties: KafkaProperties, context: ClientContext) throws(KafkaError) {
        let operation = "start a reader"
        let handle = try ClientHandle(
            kind: RD_KAFKA_CONSUMER, properties: properties, context: context, operation: operation)
        try handle.withClient(operation) { client throws(KafkaError) in
            let code = rd_kafka_poll_set_consumer(client)
            if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, operation: operation) }
        }
        self.handle = handle
    }

    /// Replaces what the client reads. Nothing fetched for an earlier assignment comes out afterwards.
    func assign(_ partitions: [TopicPartition: StartOffset]) async throws(KafkaError) {
        let operation = "assign partitions"
        try await calls.run { [self] () throws(KafkaError) in
            try handle.withClient(operation) { client throws(KafkaError) in
                reading.withLock { $0.ends = EndsInSight(partitions.keys) }
                let code: rd_kafka_resp_err_t
                if partitions.isEmpty {
                    code = rd_kafka_assign(client, nil)
                } else {
                    let list = PartitionList(partitions.mapValues(\.number))
                    code = rd_kafka_assign(client, list.pointer)
                }
                if code != RD_KAFKA_RESP_ERR_NO_ERROR { throw KafkaError(code, operation: operation) }
            }
        }
    }

    /// What comes within `wait`, and what lies ready behind it, up to the bounds.
    func nextBatch(
        wait: Duration = .milliseconds(100), maximumRecords: Int = 1_000, maximumBytes: Int = 8 << 20
    ) async throws(KafkaError) -> Batch {
        try await calls.run { [self] () throws(KafkaError) in
            try handle.withClient("consume") { client throws(KafkaError) in
                reading.withLock { reading in
                    gather(client, &reading, wait.milliseconds, maximumRecords, maximumBytes)
                }
            }
        }
    }

    /// librdkafka keeps silent about a partition that a known topic does not have.
    /// - Throws: `isUnknownTopicOrPartition`; nothing if the brokers do not answer.
    func checkExistence(of partitions: Set<TopicPartition>) async throws(KafkaError) {
        guard let topics = try? await self.topics(timeout: .seconds(2)) else { return }
        for partition in partitions where Int(partition.partition) >= topics[partition.topic] ?? 0 {
            throw KafkaError(
                RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, operation: "read",
                reason: "there is no partition \(partition)")
        }
    }

    /// The partitions of every topic.
    func topics(timeout: Duration) async throws(KafkaError) -> [String: Int] {
        try await calls.run { [handle] () throws(KafkaError) in
            try handle.withClient("read") { client throws(KafkaError) in
                try ClientHandle.topics(client, timeout: timeout, operation: "read")
            }
        }
    }

    func destroy() async {
        await withCheckedContinuation { continuation in
            calls.start { [self] in
                handle.destroy()
                continuation.resume()
            }
        }
    }

    /// As `destroy`, without waiting.
    func abandon() {
        calls.start { [handle] in handle.destroy() }
    }

    private func gather(
        _ client: OpaquePointer, _ reading: inout (poll: MessagePoll, ends: EndsInSight), _ wait: Int32,
        _ maximumRecords: Int, _ maximumBytes: Int
    ) -> Batch {
        var batch = Batch()
        let now = ContinuousClock.now
        var bytes = 0
        var wait = wait
        while batch.records.count < maximumRecords, bytes < maximumBytes,
            let message = reading.poll.next(client, context: handle.context, wait: wait)
        {
            wait = 0
            switch message {
            case .record(let record):
                batch.records.append(record)
                bytes += record.byteCount
                reading.ends.heard(record.topicPartition, offset: record.offset, at: now) {
                    Self.high(of: record.topicPartition, client)
                }
            case .end(let partition, let offset):
                batch.ends[partition] = offset
                reading.ends.ended(partition)
            case .failed(let error, _):
                if error.isRetriable, !error.isFatal { continue }
                batch.failure = error
                return batch
            }
        }
        batch.ends.merge(reading.ends.take(at: .now)) { told, _ in told }
        return batch
    }

    /// The end as of the partition's last fetch; nil before the first.
    private static func high(of partition: TopicPartition, _ client: OpaquePointer) -> Int64? {
        var (low, high) = (Int64(-1), Int64(-1))
        let code = rd_kafka_get_watermark_offsets(client, partition.topic, partition.partition, &low, &high)
        return code == RD_KAFKA_RESP_ERR_NO_ERROR && high >= 0 ? high : nil
    }
}
