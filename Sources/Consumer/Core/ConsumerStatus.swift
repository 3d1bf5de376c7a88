package import Kafka

/// What the consumer is doing, at one moment: for people, probes and tests.
package struct ConsumerStatus: Sendable, Hashable {
    package struct Partition: Sendable, Hashable {
        package var partition: TopicPartition
        package var assignment: Int64
        package var isGranted: Bool
        /// The next offset to commit.
        package var watermark: Int64?
        /// What the broker acknowledged, or where reading began.
        package var committed: Int64?
        /// Requests received and not settled.
        package var held: Int
        /// How many of them were put off, and are read again when it is their session's or tenant's turn.
        package var deferred: Int
        package var span: Int64
        package var isPaused: Bool
        /// Whether a scout reads ahead of intake, for stops.
        package var isScouted: Bool
        /// How long the oldest unsettled request has been held.
        package var oldestAge: Duration?
    }

    package struct Host: Sendable, Hashable {
        package var slot: Int
        package var hostID: String?
        package var processID: Int32?
        package var isUp: Bool
        /// Requests that it has and has not settled.
        package var held: Int
    }

    package var partitions: [Partition]
    /// The host of the trial slot is the last, and down until it is needed.
    package var hosts: [Host]
    package var isDraining: Bool
    /// How long ago the poll thread last went round, if it has started.
    package var pollAge: Duration?
}

extension ConsumerCore {
    /// What the core knows of the status; the hosts' processes and the poll thread are known elsewhere.
    package func status(at now: ContinuousClock.Instant) -> ConsumerStatus {
        let partitions = assignments.sorted { $0.key < $1.key }.map { partition, assignment in
            ConsumerStatus.Partition(
                partition: partition, assignment: assignment.id, isGranted: assignment.grant != nil,
                watermark: assignment.tracker.watermark, committed: commits.committed(of: partition),
                held: assignment.tracker.count,
                deferred: share.deferredCount(of: partition), span: assignment.tracker.span,
                isPaused: paused.contains(partition),
                isScouted: assignment.lane.isScouted,
                oldestAge: assignment.tracker.oldest.map { now - $0 })
        }
        var heldBySlot = Array(repeating: 0, count: slots.count)
        for request in held.values {
            if case .atHost(let slot) = request.place { heldBySlot[slot] += 1 }
        }
        let hosts = slots.indices.map {
            ConsumerStatus.Host(
                slot: $0, hostID: nil, processID: nil, isUp: slots[$0].isUp, held: heldBySlot[$0])
        }
        return ConsumerStatus(partitions: partitions, hosts: hosts, isDraining: isDraining)
    }
}
