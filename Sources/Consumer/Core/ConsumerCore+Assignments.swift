package import Kafka
package import SessionStore
import TurnHost

extension ConsumerCore {
    /// A partition was given to us. Its records are dropped until it is granted. Returns the assignment's number.
    package mutating func assign(_ partition: TopicPartition, at now: ContinuousClock.Instant) -> Int64 {
        forget(partition)
        let id = makeAssignmentID()
        assignments[partition] = Assignment(id: id, at: now)
        return id
    }

    /// The partition could not be made ready in time, and goes on being prepared while it is paused.
    package mutating func unready(_ partition: TopicPartition, assignment: Int64) -> [Action] {
        guard let current = assignments[partition], current.id == assignment, case .preparing = current.phase,
            paused.insert(partition).inserted
        else { return [] }
        return [.pause(partition)]
    }

    /// What stands in the way of a grant, or of a newer fence. It is tried again; until then, this is for people.
    package mutating func obstructed(_ partition: TopicPartition, assignment id: Int64, by obstacle: String) {
        guard var assignment = assignments[partition], assignment.id == id, var wait = assignment.wait else { return }
        wait.obstacle = obstacle
        switch assignment.phase {
        case .preparing: assignment.phase = .preparing(wait)
        case .refencing(let grant, _): assignment.phase = .refencing(grant, wait)
        case .granted, .revoking: return
        }
        assignments[partition] = assignment
    }

    /// Puts right what the client library has paused and resumed other than it was told to: a pause is refused for a
    /// partition that is not assigned yet, and may come from a preparation that was overtaken by the next assignment.
    package func alignFlow(paused actual: Set<TopicPartition>) -> [Action] {
        if actual == paused { return [] }
        let missing = paused.subtracting(actual).sorted()
        let stray = actual.subtracting(paused).filter { assignments[$0]?.isReceiving == true }.sorted()
        return missing.map { .pause($0) } + stray.map { .resume($0) }
    }

    /// Whether this is still the partition's assignment.
    package func isCurrent(_ partition: TopicPartition, assignment: Int64) -> Bool {
        assignments[partition]?.id == assignment
    }

    /// The partition's log is known, its fence is taken, and it is read from `start`. An answer for an assignment
    /// that is over by now changes nothing.
    package mutating func granted(
        _ partition: TopicPartition, assignment id: Int64, log: LogIdentity, fence: Fence, start: Int64, end: Int64,
        at now: ContinuousClock.Instant
    ) -> [Action] {
        guard var assignment = assignments[partition], assignment.id == id, case .preparing = assignment.phase else {
            return []
        }
        let grant = PartitionGrant(assignment: id, log: log, fence: fence, endOffset: end)
        assignment.phase = .granted(grant)
        assignment.tracker = OffsetTracker(startingAt: start)
        assignments[partition] = assignment
        commits.begin(partition, from: start)
        var actions = grantCommands(grant, of: partition).flatMap { toEveryHost($0) }
        if start >= end { actions += catchUp(partition) }
        return actions + adjustFlow(of: partition)
    }

    /// Our fence was overtaken though the partition is ours; here is a newer one. Everything unsettled is dispatched
    /// again under a new assignment, which the old one's late reports cannot be mistaken for.
    package mutating func refenced(
        _ partition: TopicPartition, assignment id: Int64, fence: Fence, at now: ContinuousClock.Instant
    ) -> [Action] {
        guard var assignment = assignments[partition], assignment.id == id,
            case .refencing(var grant, _) = assignment.phase
        else { return [] }
        var actions = toEveryHost(.lose(assignments: [id]))
        assignment.id = makeAssignmentID()
        grant.assignment = assignment.id
        grant.fence = fence
        assignment.phase = .granted(grant)
        assignments[partition] = assignment
        for request in held.values where request.partition == partition && request.session != nil {
            held[request.id] = nil
            request.id = makeEntryID()
            request.place = .waiting
            request.hasBegun = false
            held[request.id] = request
        }
        actions += grantCommands(grant, of: partition).flatMap { toEveryHost($0) }
        actions += dispatchWaiting { $0.partition == partition }
        if assignment.isCaughtUp { actions += toEveryHost(.caughtUp(assignment: assignment.id)) }
        return actions
    }

    /// The partitions are asked back: nothing of them is dispatched any more, and the hosts let go of them.
    /// - Parameter grace: how long turns that run may go on to their own end.
    package mutating func beginRevoke(_ partitions: [TopicPartition], grace: Duration) -> [Action] {
        var revoked: [Int64] = []
        let hosts = Set(slots.indices.filter { slots[$0].isUp })
        for partition in partitions {
            guard var assignment = assignments[partition] else { continue }
            switch assignment.phase {
            case .granted, .refencing:
                revoked.append(assignment.id)
                assignment.phase = .revoking(awaiting: hosts)
            case .preparing:
                assignment.phase = .revoking(awaiting: [])
            case .revoking: continue
            }
            assignments[partition] = assignment
        }
        return revoked.isEmpty ? [] : toEveryHost(.revoke(assignments: revoked.sorted(), grace: grace))
    }

    /// Whether every host has let go of these partitions.
    package func isYielded(_ partitions: [TopicPartition]) -> Bool {
        partitions.allSatisfy { partition in
            guard let assignment = assignments[partition] else { return true }
            guard case .revoking(let awaiting) = assignment.phase else { return false }
            return awaiting.isEmpty
        }
    }

    /// The partitions go now, whether or not every host has let go of them. Returns the watermarks that are not
    /// committed yet.
    package mutating func finishRevoke(_ partitions: [TopicPartition]) -> [TopicPartition: Int64] {
        var watermarks: [TopicPartition: Int64] = [:]
        for partition in partitions {
            watermarks[partition] = commits.uncommitted(of: partition)
            forget(partition)
        }
        return watermarks
    }

    /// The partitions belong to somebody else by now: nothing of them is committed.
    package mutating func lose(_ partitions: [TopicPartition]) -> [Action] {
        let lost = partitions.compactMap { assignments[$0]?.id }
        for partition in partitions { forget(partition) }
        guard !lost.isEmpty else { return [] }
        return toEveryHost(.lose(assignments: lost.sorted())) + adjustFlow(touching: [])
    }

    /// Nothing more is taken in, of any partition, also of those that are assigned from now on.
    package mutating func hold(for reason: Hold) -> [Action] {
        guard holds.insert(reason).inserted else { return [] }
        return assignments.keys.sorted().flatMap { adjustFlow(of: $0) }
    }

    /// What was held for this reason goes on, unless there is another one.
    package mutating func release(from reason: Hold) -> [Action] {
        guard holds.remove(reason) != nil else { return [] }
        return assignments.keys.sorted().flatMap { adjustFlow(of: $0) }
    }

    /// The log under a live assignment is not the one that was being read: what came from the old one is dropped.
    mutating func startAgain(
        _ partition: TopicPartition, because error: OffsetTracker.OffsetOutOfOrder, at now: ContinuousClock.Instant
    ) -> [Action] {
        var actions: [Action] = []
        if let old = assignments[partition]?.id { actions += toEveryHost(.lose(assignments: [old])) }
        let id = assign(partition, at: now)
        actions += unready(partition, assignment: id)
        actions.append(.prepare(partition, assignment: id, reason: error.description))
        return actions
    }

    private mutating func forget(_ partition: TopicPartition) {
        guard let assignment = assignments.removeValue(forKey: partition) else { return }
        share.forget(partition, expectedBytes: assignment.refetch.bytes)
        for request in held.values where request.partition == partition {
            held[request.id] = nil
            heldBytes -= request.tracked.bytes
        }
        paused.remove(partition)
        commits.forget(partition)
        backpressure.forget(partition)
    }
}
