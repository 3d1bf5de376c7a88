import Kafka
import SessionStore
package import TurnHost

extension ConsumerCore {
    /// A host is there for this slot, configured: it is told of every grant and gets what waits for it.
    package mutating func hostStarted(_ slot: Int) -> [Action] {
        guard slots.indices.contains(slot) else { return [] }
        slots[slot].isUp = true
        let granted = assignments.sorted { $0.key < $1.key }.map(\.value).filter { $0.grant != nil }
        var actions: [Action] = granted.compactMap(\.grant).map { .send(slot: slot, .grant($0)) }
        actions += dispatchWaiting { $0.slot == slot }
        for assignment in granted where assignment.isCaughtUp {
            actions.append(.send(slot: slot, .caughtUp(assignment: assignment.id)))
        }
        return actions
    }

    /// The slot's host is dead, and everything that it had reported is in. What it had not settled waits for the next
    /// host; a session whose request had begun waits longer each time that happens.
    package mutating func hostDied(_ slot: Int, death: HostDeath, at now: ContinuousClock.Instant) {
        guard slots.indices.contains(slot) else { return }
        slots[slot].isUp = false
        for request in held.values where request.slot == slot && request.place == .atHost {
            request.place = .waiting
            guard request.hasBegun else { continue }
            request.hasBegun = false
            request.death = death
            guard death.kind != .handover, let session = request.session else { continue }
            request.failures += 1
            let delay = settings.hostRetry.delay(after: request.failures, using: &generator)
            if delay > .zero { parked[session] = max(parked[session] ?? now, now + delay) }
        }
        for (partition, assignment) in assignments {
            guard case .revoking(var awaiting) = assignment.phase else { continue }
            awaiting.remove(slot)
            assignments[partition]?.phase = .revoking(awaiting: awaiting)
        }
    }

    /// What a host says. What it says of entries and assignments that are over by now changes nothing.
    package mutating func reported(
        _ report: HostReport, by slot: Int, at now: ContinuousClock.Instant
    ) -> [Action] {
        switch report {
        case .ready:
            return []
        case .began(let entries):
            for entry in entries { held[entry]?.hasBegun = true }
            return []
        case .settled(let entries):
            var touched: Set<TopicPartition> = []
            for entry in entries {
                guard let request = held[entry], request.slot != nil else { continue }
                touched.insert(request.partition)
                settle(request, at: now)
            }
            return commitIfDue(at: now) + adjustFlow(touching: touched)
        case .yielded(let yielded):
            for (partition, assignment) in assignments where yielded.contains(assignment.id) {
                guard case .revoking(var awaiting) = assignment.phase else { continue }
                awaiting.remove(slot)
                assignments[partition]?.phase = .revoking(awaiting: awaiting)
            }
            return []
        case .fenced(let id):
            guard let (partition, assignment) = assignments.first(where: { $0.value.id == id }),
                let grant = assignment.grant
            else { return [] }
            assignments[partition]?.phase = .refencing(grant)
            return [.refence(partition, assignment: id)]
        }
    }
}
