/// A consumer group as a broker lists it.
package struct KafkaGroup: Sendable, Hashable {
    package let id: String
    /// The broker's word for it: `Stable`, `Empty`, `PreparingRebalance`, `Dead`.
    package let state: String
}

/// A consumer group with its members.
package struct KafkaGroupDescription: Sendable, Hashable {
    package struct Member: Sendable, Hashable {
        package let id: String
        package let clientID: String
        package let host: String
        /// Of a static member.
        package let instanceID: String?
        package let partitions: [TopicPartition]
    }

    package let id: String
    package let state: String
    package let assignor: String
    package let members: [Member]
}
