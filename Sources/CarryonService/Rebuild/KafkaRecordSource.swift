import Kafka
import Logging
import TurnHost

/// A partition of a topic, read from an offset to its end as it is reached.
final class KafkaRecordSource: RecordSource {
    private let follower: KafkaFollower
    private let partition: TopicPartition
    private var isAtEnd = false

    /// - Throws: what the brokers say.
    init(
        _ partition: TopicPartition, from start: StartOffset = .beginning, properties: KafkaProperties,
        logger: Logger
    ) async throws {
        let ahead: KafkaProperties = ["queued.max.messages.kbytes": "16384"]
        follower = try await KafkaFollower.start(ahead.merging(properties), logger: logger)
        self.partition = partition
        try await follower.follow([partition: start])
    }

    func next() async throws -> [KafkaRecord]? {
        while !isAtEnd {
            try Task.checkCancellation()
            let batch = try await follower.next()
            isAtEnd = batch.ends[partition] != nil
            if !batch.records.isEmpty { return batch.records }
            if let failure = batch.failure { throw failure }
        }
        return nil
    }

    func close() async {
        await follower.close()
    }
}
