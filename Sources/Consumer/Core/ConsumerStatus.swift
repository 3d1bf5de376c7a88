package import Kafka
package import TurnHost

/// What the consumer is doing, at one moment: for people, probes and tests.
package struct ConsumerStatus: Sendable, Hashable {
    package struct Partition: Sendable, Hashable {
        package var partition: TopicPartition
        package var assignment: Int64
        package var isGranted: Bool
        /// Since when it is ours and cannot be worked on, and what is in the way.
        package var wait: Wait?
        /// The next offset to commit.
        package var watermark: Int64?
        /// What the broker acknowledged, or where reading began.
        package var committed: Int64?
        /// Requests received and not settled.
        package var held: Int
        /// How many of them run.
        package var running: Int
        /// How many of them were put off, and are read again when it is their session's or tenant's turn.
        package var deferred: Int
        package var span: Int64
        /// The partition's end, as of the last fetch.
        package var end: Int64?
        package var isPaused: Bool
        /// Why an operator has halted it, if one has.
        package var haltReason: String?
        /// Whether a scout reads ahead of intake, for stops.
        package var isScouted: Bool
        /// What holds its committed offset back: the first request that is not settled.
        package var head: Head?
    }

    /// That a partition is ours and is not granted, or that its fence was overtaken.
    package struct Wait: Sendable, Hashable {
        package var age: Duration
        /// What went wrong last, in words; nil while the first attempt is under way.
        package var obstacle: String?

        package init(age: Duration, obstacle: String? = nil) {
            self.age = age
            self.obstacle = obstacle
        }
    }

    /// The first unsettled request of a partition.
    package struct Head: Sendable, Hashable {
        package var offset: Int64
        /// Since it was received.
        package var age: Duration
        /// Nil for a record that is no request, or that is put off.
        package var session: String?
        /// What it waits for, in words.
        package var state: String
    }

    package struct Host: Sendable, Hashable {
        package var slot: Int
        package var hostID: String?
        package var processID: Int32?
        package var isUp: Bool
        /// Requests that it has and has not settled.
        package var held: Int
        /// What it last said of itself.
        package var vitals: HostVitals?
        /// How long it has owed an answer to the question how it is.
        package var silence: Duration?
        /// Whether it is there only while sessions are tried apart.
        package var isOnDemand = false
    }

    package var partitions: [Partition]
    /// The host of the trial slot is the last, and down until it is needed.
    package var hosts: [Host]
    package var holds: Set<ConsumerCore.Hold>
    /// How long ago the poll thread last went round, if it has started.
    package var pollAge: Duration?
    /// How many sessions are parked, of all partitions of all workers.
    package var parkedSessions = 0
}

extension ConsumerCore {
    /// What the core knows of the status; the hosts' processes and the poll thread are known elsewhere.
    package func status(at now: ContinuousClock.Instant) -> ConsumerStatus {
        let heads = heads(at: now)
        var running: [TopicPartition: Int] = [:]
        for request in held.values where request.hasBegun { running[request.partition, default: 0] += 1 }
        let partitions = assignments.sorted { $0.key < $1.key }.map { partition, assignment in
            ConsumerStatus.Partition(
                partition: partition, assignment: assignment.id, isGranted: assignment.grant != nil,
                wait: assignment.wait.map { ConsumerStatus.Wait(age: now - $0.since, obstacle: $0.obstacle) },
                watermark: assignment.tracker.watermark, committed: commits.committed(of: partition),
                held: assignment.tracker.count, running: running[partition] ?? 0,
                deferred: share.deferredCount(of: partition), span: assignment.tracker.span,
                isPaused: paused.contains(partition), haltReason: halted[partition],
                isScouted: assignment.lane.isScouted,
                head: heads[partition])
        }
        var heldBySlot = Array(repeating: 0, count: slots.count)
        for request in held.values {
            if case .atHost(let slot) = request.place { heldBySlot[slot] += 1 }
        }
        let hosts = slots.indices.map {
            ConsumerStatus.Host(
                slot: $0, hostID: nil, processID: nil, isUp: slots[$0].isUp, held: heldBySlot[$0],
                vitals: slots[$0].vitals, silence: slots[$0].askedAt.map { now - $0 }, isOnDemand: $0 >= settings.slots)
        }
        return ConsumerStatus(
            partitions: partitions, hosts: hosts, holds: holds, parkedSessions: parks.count)
    }

    /// The first unsettled request of each partition that has one.
    package func heads(at now: ContinuousClock.Instant) -> [TopicPartition: ConsumerStatus.Head] {
        let watermarks = assignments.compactMapValues { $0.tracker.oldest == nil ? nil : $0.tracker.watermark }
        var heads: [TopicPartition: ConsumerStatus.Head] = [:]
        for request in held.values where watermarks[request.partition] == request.record.offset {
            heads[request.partition] = ConsumerStatus.Head(
                offset: request.record.offset, age: now - request.tracked.registeredAt, session: request.session,
                state: state(of: request))
        }
        for (partition, offset) in watermarks where heads[partition] == nil {
            guard let since = assignments[partition]?.tracker.oldest else { continue }
            heads[partition] = ConsumerStatus.Head(
                offset: offset, age: now - since, session: nil, state: "put off, to be read again in its turn")
        }
        return heads
    }

    private func state(of request: HeldRequest) -> String {
        switch request.place {
        case .atHost(let slot):
            if request.hasBegun { return "running in the host of slot \(slot)" }
            if let reason = halted[request.partition] { return "its partition is paused: \(reason)" }
            return "queued in the host of slot \(slot)"
        case .deadLettering: return "its dead letter is being written"
        case .deadLetterFailed: return "its dead letter could not be written and is tried again"
        case .waiting:
            guard let session = request.session else { return "waiting" }
            if let reason = halted[request.partition] { return "its partition is paused: \(reason)" }
            if parked[session] != nil { return "waiting for its retry after \(request.failures) deaths" }
            if trials.contains(session) { return "waiting to be tried apart" }
            if assignments[request.partition]?.grant == nil { return "waiting for its partition's fence" }
            return "waiting for its host"
        }
    }
}
