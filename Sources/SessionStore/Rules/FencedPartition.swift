/// What a fence is taken of.
struct FencedPartition: Hashable, Sendable {
    let group: String
    let cluster: String
    let topic: String
    let partition: Int32

    init(group: String, cluster: String, topic: String, partition: Int32) {
        self.group = group
        self.cluster = cluster
        self.topic = topic
        self.partition = partition
    }

    init(_ fence: Fence) {
        self.init(group: fence.group, cluster: fence.cluster, topic: fence.topic, partition: fence.partition)
    }

    func fence(token: Int64) -> Fence {
        Fence(group: group, cluster: cluster, topic: topic, partition: partition, token: token)
    }
}
