package import Logging

/// Reads partitions that come and go, outside of any group and without committing anything, for as long as it is asked
/// for more. To be used by one task at a time.
///
/// An offset that the partition does not have (any more) starts at its beginning.
///
/// Defaults, which may be overridden: a `group.id` that nothing is committed to, `fetch.wait.max.ms=50`, so that what
/// is new comes soon from a broker that does not wake a waiting fetch, and 4 MB of each partition read ahead.
package final class KafkaFollower: Sendable {
    /// What came next.
    package struct Batch: Sendable {
        /// At most 1,000, or about 8 MB; each partition's in offset order.
        package var records: [KafkaRecord]
        /// Partitions whose end was reached, with the next record's offset.
        package var ends: [TopicPartition: Int64]
        /// What cannot be got over by waiting, such as an unknown topic.
        package var failure: KafkaError?
    }

    private static let defaults: KafkaProperties = [
        "group.id": "follower", "fetch.wait.max.ms": "50", "queued.max.messages.kbytes": "4096",
    ]

    private let client: ReaderClient

    /// Makes a client, beside the caller's thread.
    /// - Throws: a `KafkaError` for a property that librdkafka refuses.
    package static func start(_ properties: KafkaProperties, logger: Logger) async throws(KafkaError) -> KafkaFollower {
        let properties = defaults.merging(properties).merging(KafkaReader.forced)
        return try await BlockingCalls(label: "kafka-follower-start").run { () throws(KafkaError) in
            KafkaFollower(try ReaderClient(properties, context: ClientContext(logger: logger)))
        }
    }

    private init(_ client: ReaderClient) {
        self.client = client
    }

    /// Reads these partitions from now on and no others; each from where it says, also if it was read before.
    package func follow(_ partitions: [TopicPartition: StartOffset]) async throws(KafkaError) {
        try await client.assign(partitions)
    }

    /// What comes within 100 ms, and what lies ready behind it; often nothing.
    package func next() async throws(KafkaError) -> Batch {
        let batch = try await client.nextBatch()
        return Batch(records: batch.records, ends: batch.ends, failure: batch.failure)
    }

    /// How many partitions the topic has; `nil` if there is none of that name.
    /// - Throws: what the brokers say, or that they did not answer within 5 seconds.
    package func partitionCount(of topic: String) async throws(KafkaError) -> Int? {
        try await client.topics(timeout: .seconds(5))[topic]
    }

    /// Lets the client go. Nothing may be asked of it afterwards.
    package func close() async {
        await client.destroy()
    }
}
