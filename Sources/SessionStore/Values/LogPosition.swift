/// One Kafka log as the store tells it from every other: offsets mean something only within it.
package struct LogIdentity: Hashable, Sendable {
    package let cluster: String
    package let topic: String
    package let partition: Int32
    /// Goes up by one each time the topic is found to be no longer the log that it was (see
    /// ``SessionStore/identifyLog``).
    package let epoch: Int64

    package init(cluster: String, topic: String, partition: Int32, epoch: Int64) {
        self.cluster = cluster
        self.topic = topic
        self.partition = partition
        self.epoch = epoch
    }
}

/// An offset together with the log that it is an offset in.
package struct LogPosition: Hashable, Sendable {
    package let log: LogIdentity
    package let offset: Int64

    package init(log: LogIdentity, offset: Int64) {
        self.log = log
        self.offset = offset
    }
}
