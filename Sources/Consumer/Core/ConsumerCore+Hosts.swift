import Kafka
import SessionStore
package import TurnHost

extension ConsumerCore {
    /// A host is there for this slot, configured: it is told of every grant and gets what waits for it.
    package mutating func hostStarted(_ slot: Int) -> [Action] {
        guard slots.indices.contains(slot) else { return [] }
        slots[slot] = Slot(isUp: true)
        let granted = assignments.sorted { $0.key < $1.key }.filter { $0.value.grant != nil }
        var commands = introduction
        for (partition, assignment) in granted {
            if let grant = assignment.grant { commands += grantCommands(grant, of: partition) }
        }
        var actions: [Action] = commands.map { .send(slot: slot, $0) }
        actions += dispatchWaiting { $0.session.flatMap(destination) == slot }
        for assignment in granted.map(\.value) where assignment.isCaughtUp {
            actions.append(.send(slot: slot, .caughtUp(assignment: assignment.id)))
        }
        return actions + goOnWithTrials()
    }

    /// The slot's host is dead, and everything that it had reported is in. What it had not settled waits for the next
    /// host. A session that was the only one to have begun in it waits longer each time that happens; of several, none
    /// is charged with the death, and they are tried apart if it happens again.
    package mutating func hostDied(
        _ slot: Int, death: HostDeath, at now: ContinuousClock.Instant
    ) -> [Action] {
        guard slots.indices.contains(slot) else { return [] }
        slots[slot] = Slot()
        let left = held.values.filter { $0.place == .atHost(slot: slot) }.sorted { $0.id < $1.id }
        let begun = left.filter(\.hasBegun)
        var death = death
        death.isInCompany = !trialSlots.isEmpty && begun.sessions.count > 1
        for request in left { request.place = .waiting }
        for request in begun {
            request.hasBegun = false
            request.death = death.following(request.death)
            if death.kind != .handover { charge(request, death, at: now) }
        }
        drawConclusions(from: begun, diedIn: slot, isHandover: death.kind == .handover)
        hostLetGo(slot, of: nil)
        return goOnWithTrials()
    }

    private mutating func charge(_ request: HeldRequest, _ death: HostDeath, at now: ContinuousClock.Instant) {
        request.hostDeaths += 1
        guard !death.isInCompany, let session = request.session else { return }
        request.failures += 1
        let delay = settings.hostRetry.delay(after: request.failures, using: &generator)
        if delay > .zero { parked[session] = max(parked[session] ?? now, now + delay) }
    }

    /// A host holds nothing more of these assignments that are being revoked; `nil` for all.
    private mutating func hostLetGo(_ slot: Int, of yielded: [Int64]?) {
        for (partition, assignment) in assignments {
            guard yielded?.contains(assignment.id) ?? true, case .revoking(var awaiting) = assignment.phase else {
                continue
            }
            awaiting.remove(slot)
            assignments[partition]?.phase = .revoking(awaiting: awaiting)
        }
    }

    /// What a host says. What it says of entries and assignments that are over by now changes nothing.
    package mutating func reported(
        _ report: HostReport, by slot: Int, at now: ContinuousClock.Instant
    ) -> [Action] {
        switch report {
        case .ready, .counted:
            return []
        case .began(let entries):
            for entry in entries where held[entry]?.place == .atHost(slot: slot) { held[entry]?.hasBegun = true }
            return []
        case .settled(let entries):
            return settled(entries, at: now)
        case .yielded(let yielded):
            hostLetGo(slot, of: yielded)
            return []
        case .vitals(let vitals):
            slots[slot].vitals = vitals
            slots[slot].askedAt = nil
            return []
        case .fenced(let id):
            guard let (partition, assignment) = assignments.first(where: { $0.value.id == id }),
                let grant = assignment.grant
            else { return [] }
            assignments[partition]?.phase = .refencing(grant, Assignment.Wait(since: now))
            return [.refence(partition, assignment: id)]
        }
    }

    private mutating func settled(_ entries: [Int64], at now: ContinuousClock.Instant) -> [Action] {
        var touched: Set<TopicPartition> = []
        var endsTrial = false
        for entry in entries {
            guard let request = held[entry], let session = request.session else { continue }
            touched.insert(request.partition)
            settle(request, at: now)
            // As long as it has more in hand, its trial goes on.
            let isThrough = request.claimant.map { share.count(of: $0) == 0 } ?? true
            endsTrial = endsTrial || isThrough && trials.slot(of: session) != nil
        }
        let actions = commitIfDue(at: now) + adjustFlow(touching: touched)
        return endsTrial ? actions + goOnWithTrials() : actions
    }
}
