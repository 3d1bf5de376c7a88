/// The right to write to the sessions of one partition. Taking a fence ends the right of every fence taken before it.
package struct Fence: Hashable, Sendable {
    package let group: String
    package let cluster: String
    package let topic: String
    package let partition: Int32
    /// 1 for the first fence of the partition and group, one more for each further one.
    package let token: Int64

    package init(group: String, cluster: String, topic: String, partition: Int32, token: Int64) {
        self.group = group
        self.cluster = cluster
        self.topic = topic
        self.partition = partition
        self.token = token
    }

    /// Whether this fence guards the partition of `log`, whatever the log's epoch.
    func guards(_ log: LogIdentity) -> Bool {
        partition == log.partition && topic == log.topic && cluster == log.cluster
    }
}
