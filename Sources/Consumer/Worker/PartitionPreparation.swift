import Kafka
import Logging
import SessionStore
import Synchronization

/// Finds out about partitions what has to be known before their first record is taken in: which log they are, where
/// to read from, where they end; and takes their fences.
struct PartitionPreparation: Sendable {
    struct Prepared: Sendable {
        var log: LogIdentity
        var fence: Fence
        var start: Int64
        var end: Int64
    }

    /// The events topic cannot take the answers of a partition.
    struct MissingEventsPartition: Error, CustomStringConvertible {
        let partition: TopicPartition
        let eventsTopic: String
        let available: Int

        var code: String { "missing_events_partition" }
        var description: String {
            """
            Requests of \(partition.topic) partition \(partition.partition) cannot be answered: topic \(eventsTopic) \
            has \(available) partitions, and needs more than \(partition.partition).
            """
        }
    }

    let options: ConsumerOptions
    let store: any SessionStore
    let consumer: KafkaConsumer
    let admin: KafkaAdmin
    let reader: KafkaReader
    let logger: Logger

    /// What is to be known of each partition that can be answered, and why the others cannot.
    func prepare(
        _ partitions: [TopicPartition]
    ) async throws -> [TopicPartition: Result<Prepared, MissingEventsPartition>] {
        let cluster = try await clusterID()
        let available = try await admin.topics([options.eventsTopic])[options.eventsTopic] ?? 0
        let answerable = partitions.filter { $0.partition < available }
        // Fences first: an earlier owner can settle nothing beyond the ends that are asked for after this.
        var fences: [TopicPartition: Fence] = [:]
        for partition in answerable {
            fences[partition] = try await store.takeFence(
                group: options.groupID, cluster: cluster, topic: partition.topic, partition: partition.partition)
        }
        let watermarks = try await reader.watermarks(of: answerable, asking: admin)
        let committed = try await consumer.committed(answerable)
        await noteOtherClusters(than: cluster)

        var prepared: [TopicPartition: Result<Prepared, MissingEventsPartition>] = [:]
        for partition in partitions where partition.partition >= available {
            prepared[partition] = .failure(
                MissingEventsPartition(
                    partition: partition, eventsTopic: options.eventsTopic, available: available))
        }
        for partition in answerable {
            guard let fence = fences[partition], let marks = watermarks[partition] else { continue }
            let identification = try await identify(partition, cluster: cluster, watermarks: marks)
            prepared[partition] = .success(
                Prepared(
                    log: identification.log, fence: fence,
                    start: start(
                        of: partition, committed: committed[partition]?.offset, watermarks: marks,
                        isNewEpoch: identification.isNewEpoch),
                    end: marks.high))
        }
        return prepared
    }

    /// A newer fence of a partition that is still ours.
    func takeFence(of partition: TopicPartition) async throws -> Fence {
        try await store.takeFence(
            group: options.groupID, cluster: try await clusterID(), topic: partition.topic,
            partition: partition.partition)
    }

    private func clusterID() async throws -> String {
        if let override = options.logIdentityOverride { return override }
        return try await admin.clusterID() ?? "unnamed"
    }

    private func identify(
        _ partition: TopicPartition, cluster: String, watermarks: Watermarks
    ) async throws -> LogIdentification {
        let identification = try await store.identifyLog(
            cluster: cluster, topic: partition.topic, partition: partition.partition, startOffset: watermarks.low,
            endOffset: watermarks.high
        ) { [reader] offset in
            // A record that cannot be read proves nothing, and the log counts as the one it was.
            try? await reader.fetch(partition, offset: offset)?.timestamp
        }
        if identification.isNewEpoch {
            let reason = identification.reason ?? "it is not the log it was."
            logger.notice(
                """
                \(partition.topic) partition \(partition.partition) is read from its start, and its sessions go on: \
                \(reason)
                """
            )
        }
        return identification
    }

    private func noteOtherClusters(than cluster: String) async {
        guard let known = try? await store.knownClusters(topic: options.requestsTopic), !known.isEmpty,
            !known.contains(cluster)
        else { return }
        logger.notice(
            """
            The store's sessions come from another Kafka cluster (\(known.joined(separator: ", "))); they go on with \
            \(cluster).
            """
        )
    }

    private func start(
        of partition: TopicPartition, committed: Int64?, watermarks: Watermarks, isNewEpoch: Bool
    ) -> Int64 {
        guard let committed, !isNewEpoch else { return watermarks.low }
        if committed > watermarks.high {
            logger.notice(
                """
                The group's offset \(committed) of \(partition.topic) partition \(partition.partition) lies beyond \
                its end \(watermarks.high): the partition is read from its start.
                """)
            return watermarks.low
        }
        return max(committed, watermarks.low)
    }
}
