import TurnHost

extension ConsumerCore {
    /// Asks every host that has no question open how it is.
    package mutating func askVitals(at now: ContinuousClock.Instant) -> [Action] {
        var actions: [Action] = []
        for slot in slots.indices where slots[slot].isUp && slots[slot].askedAt == nil {
            slots[slot].askedAt = now
            actions.append(.send(slot: slot, .askVitals))
        }
        return actions
    }

    /// Whether a host found the store failing and has not seen it work since.
    package var isStoreAwayForAHost: Bool { slots.contains { $0.vitals?.storeAway != nil } }

    /// Hosts that have not answered for so long that nothing can be running in them any more.
    package mutating func breakOffHosts(silentFor limit: Duration, at now: ContinuousClock.Instant) -> [Action] {
        slots.indices.compactMap { slot in
            guard slots[slot].isUp, let askedAt = slots[slot].askedAt, now - askedAt > limit else { return nil }
            // Its death is told later; until then it is not broken off again.
            slots[slot].askedAt = nil
            return .breakOff(slot: slot, reason: "has not answered for \(limit)")
        }
    }
}
