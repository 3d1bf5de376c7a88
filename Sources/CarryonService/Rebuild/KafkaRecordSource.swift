import Kafka
import Logging
import TurnHost

/// A partition of a topic, read from an offset to its end as it is reached.
///
/// A partition that is written to all the time has no end that could be reached: a second after the end that it had at
/// first, reading stops too.
final class KafkaRecordSource: RecordSource {
    private let follower: KafkaFollower
    private let partition: TopicPartition
    private let knownEnd: Int64
    private var deadline: ContinuousClock.Instant?
    private var isAtEnd = false

    /// - Parameter end: the partition's end offset as it was told.
    /// - Throws: what the brokers say.
    init(
        _ partition: TopicPartition, end: Int64, from start: StartOffset = .beginning, properties: KafkaProperties,
        logger: Logger
    ) async throws {
        let ahead: KafkaProperties = ["queued.max.messages.kbytes": "16384"]
        follower = try await KafkaFollower.start(ahead.merging(properties), logger: logger)
        self.partition = partition
        knownEnd = end
        try await follower.follow([partition: start])
    }

    func next() async throws -> [KafkaRecord]? {
        while !isAtEnd {
            try Task.checkCancellation()
            let batch = try await follower.next()
            isAtEnd = batch.ends[partition] != nil || deadline.map { .now >= $0 } == true
            if deadline == nil, let last = batch.records.last, last.offset + 1 >= knownEnd {
                deadline = .now + .seconds(1)
            }
            if !batch.records.isEmpty { return batch.records }
            if let failure = batch.failure { throw failure }
        }
        return nil
    }

    func close() async {
        await follower.close()
    }
}
