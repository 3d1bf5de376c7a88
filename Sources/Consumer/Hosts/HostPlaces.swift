/// Where a pool has its hosts: a place for every slot and one for the spare; which of them want a host, and which have to
/// wait for one.
struct HostPlaces {
    struct Place {
        /// The number of the host that has it.
        var member: Int?
        var isWanted: Bool
        /// Its last host died, and it is not time for the next.
        var isWaiting = false
        var restarts: RestartPolicy

        var isVacant: Bool { isWanted && !isWaiting && member == nil }
    }

    private var slots: [Place]
    private var spare: Place

    init(slots: Int, onDemand: Int, keepsSpare: Bool, restarts: RestartPolicy) {
        self.slots = (0..<slots + onDemand).map { Place(isWanted: $0 < slots, restarts: restarts) }
        spare = Place(isWanted: keepsSpare, restarts: restarts)
    }

    /// The place of a slot, or with `nil` the spare's.
    subscript(slot: Int?) -> Place {
        get { slot.map { slots[$0] } ?? spare }
        set { if let slot { slots[slot] = newValue } else { spare = newValue } }
    }

    /// The place to start the next host for, if there is one: slots first.
    var vacancy: Vacancy? {
        if let slot = slots.firstIndex(where: \.isVacant) { return Vacancy(slot: slot) }
        return spare.isVacant ? Vacancy(slot: nil) : nil
    }

    struct Vacancy {
        /// Nil for the spare's.
        var slot: Int?
    }
}
