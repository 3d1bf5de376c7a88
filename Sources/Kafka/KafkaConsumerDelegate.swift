/// What a consumer tells its owner. Every method is called on the consumer's poll thread, one at a time; while one
/// runs nothing is polled, so none may take long except `revoked` (and that within `max.poll.interval.ms`).
///
/// All records polled before an event are handed over before it is told.
package protocol KafkaConsumerDelegate: AnyObject, Sendable {
    /// Records in the order in which they were polled, possibly of several partitions. Never empty.
    func didReceive(_ records: [KafkaRecord])

    /// The partition's end was reached; `offset` is the next record's. Told again whenever it is reached again.
    func didReachEnd(of partition: TopicPartition, offset: Int64)

    /// The group gave this member further partitions (with an eager protocol: all of them). Fetching starts when this
    /// returns.
    /// - Returns: where to start, for partitions that should not start at their committed offset.
    func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: Int64]

    /// The group takes these partitions back. They are this member's until this returns, so offsets can still be
    /// committed: synchronously, since replies to asynchronous commits come on this very thread.
    func revoked(_ partitions: [TopicPartition])

    /// These partitions belong to somebody else by now. Nothing can be committed for them.
    func lost(_ partitions: [TopicPartition])

    /// What librdkafka reports by itself: brokers away (it goes on trying), a partition's error, a fatal error.
    func didFail(_ error: KafkaError)
}
