import Kafka

/// A request that the broker has acknowledged.
struct SentRequest: Sendable, Hashable {
    /// The record's key; nil if it has none, or none that could be a session.
    let session: String?
    let partition: TopicPartition
    let offset: Int64
}
