package import Kafka
import TurnHost

extension ConsumerCore {
    /// A partition that a scout is to read, and from where.
    package struct ScoutTarget: Sendable, Hashable {
        package var assignment: Int64
        package var from: Int64
    }

    /// What a scout saw of a partition.
    package struct Scouting: Sendable {
        package var assignment: Int64
        /// The stops among the records it read, in order.
        package var stops: [FastLane.Stop] = []
        /// The offset that it will read next.
        package var next: Int64

        package init(assignment: Int64, stops: [FastLane.Stop] = [], next: Int64) {
            self.assignment = assignment
            self.stops = stops
            self.next = next
        }
    }

    /// The partitions of which it has to be known how far intake is from their ends. None at the live edge.
    package var partitionsToMeasure: [TopicPartition] {
        if holds.contains(.drain) { return [] }
        return assignments.filter { partition, assignment in
            assignment.isReceiving
                && (assignment.lane.isUncertain || assignment.lane.isScouted || paused.contains(partition))
        }.map(\.key)
    }

    /// Takes in how far intake is from the partitions' ends, as far as they are known.
    /// - Returns: whether any partition is to be scouted.
    package mutating func measured(
        _ ends: [TopicPartition: Int64], at now: ContinuousClock.Instant
    ) -> Bool {
        for partition in partitionsToMeasure {
            guard let next = assignments[partition]?.tracker.nextExpected else { continue }
            assignments[partition]?.lane.update(
                isPaused: paused.contains(partition), next: next, end: ends[partition], at: now)
        }
        return assignments.contains { isScouted($0.value) }
    }

    /// What a scout is to read now, each partition from where nobody has looked.
    package var scoutTargets: [TopicPartition: ScoutTarget] {
        assignments.filter { isScouted($0.value) }.mapValues { assignment in
            ScoutTarget(
                assignment: assignment.id, from: max(assignment.lane.position, assignment.tracker.nextExpected))
        }
    }

    private func isScouted(_ assignment: Assignment) -> Bool {
        !holds.contains(.drain) && assignment.isReceiving && assignment.lane.isScouted
    }

    /// A scout has read on. Stops that intake has not come to are remembered, and take effect at once on what their
    /// sessions' hosts have.
    package mutating func scouted(_ scouting: [TopicPartition: Scouting]) -> [Action] {
        var actions: [Action] = []
        for (partition, seen) in scouting.sorted(by: { $0.key < $1.key }) {
            guard let assignment = assignments[partition], assignment.id == seen.assignment, assignment.isReceiving
            else { continue }
            let intake = assignment.tracker.nextExpected
            let ahead = seen.stops.filter { $0.offset >= intake }
            let news = assignments[partition]?.lane.note(ahead, upTo: seen.next) ?? []
            actions += send(news, of: partition)
        }
        return actions
    }

    /// Whoever has nothing of a stop's session lets it pass; it comes again with what it stops.
    func send(_ stops: [FastLane.Stop], of partition: TopicPartition) -> [Action] {
        guard let assignment = assignments[partition], assignment.grant != nil else { return [] }
        var bySlot: [Int: [StopAhead]] = [:]
        for stop in stops {
            guard let slot = destination(of: stop.session), slots[slot].isUp else { continue }
            bySlot[slot, default: []].append(StopAhead(stop, assignment: assignment.id))
        }
        return Self.commands(bySlot)
    }

    /// Intake has taken these partitions' records in: what it has come to needs no remembering.
    mutating func noteIntake(of partitions: Set<TopicPartition>) {
        for partition in partitions {
            guard let next = assignments[partition]?.tracker.nextExpected else { continue }
            assignments[partition]?.lane.noteMovement()
            assignments[partition]?.lane.forget(before: next)
        }
    }

    /// The stops that wait in the log behind what was just dispatched: to be sent after it, as the last that its hosts
    /// hear.
    func stopsAhead(of dispatched: [HeldRequest]) -> [Action] {
        var bySlot: [Int: [StopAhead]] = [:]
        var seen: [TopicPartition: Set<String>] = [:]
        for request in dispatched {
            guard case .atHost(let slot) = request.place, let session = request.session,
                let assignment = assignments[request.partition], !assignment.lane.isEmpty,
                seen[request.partition, default: []].insert(session).inserted
            else { continue }
            // In their order, the first of a session's requests has all the stops behind it that any has.
            for stop in assignment.lane.stops(of: session, behind: request.record.offset) {
                bySlot[slot, default: []].append(StopAhead(stop, assignment: assignment.id))
            }
        }
        return Self.commands(bySlot)
    }

    private static func commands(_ bySlot: [Int: [StopAhead]]) -> [Action] {
        bySlot.sorted { $0.key < $1.key }.flatMap { slot, stops in
            stride(from: 0, to: stops.count, by: dispatchLimit.requests).map { start in
                .send(slot: slot, .stopAhead(Array(stops[start...].prefix(dispatchLimit.requests))))
            }
        }
    }
}

extension StopAhead {
    init(_ stop: FastLane.Stop, assignment: Int64) {
        self.init(
            assignment: assignment, session: stop.session, offset: stop.offset, reason: stop.reason,
            idempotencyKey: stop.idempotencyKey, forwardedFrom: stop.forwardedFrom)
    }
}
