package import Kafka
package import SessionStore
package import TurnHost

extension ConsumerCore {
    /// The hosts work by these settings from now on, and so do those that are started later.
    package mutating func adjust(_ tuning: HostTuning) -> [Action] {
        guard self.tuning != tuning else { return [] }
        self.tuning = tuning
        return toEveryHost(.adjust(tuning))
    }

    /// Nothing new of the partition is taken in, dispatched or begun until ``goOn(_:)``; what runs goes on to its end. It
    /// stays assigned, and also halted when it goes and comes back. A stop still ends a turn that runs.
    package mutating func halt(_ partition: TopicPartition, because reason: String) -> [Action] {
        let isNews = halted.updateValue(reason, forKey: partition) == nil
        guard isNews else { return [] }
        share.suspend(partition)
        var actions = adjustFlow(of: partition)
        if let grant = assignments[partition]?.grant { actions += toEveryHost(.pause(assignments: [grant.assignment])) }
        // The others that are tried with its sessions must not wait for them.
        return actions + goOnWithTrials()
    }

    /// Ends ``halt(_:because:)``; what waited is dispatched and read in its order.
    package mutating func goOn(_ partition: TopicPartition) -> [Action] {
        guard halted.removeValue(forKey: partition) != nil else { return [] }
        share.resume(partition)
        var actions: [Action] = []
        if let grant = assignments[partition]?.grant {
            actions += toEveryHost(.resume(assignments: [grant.assignment]))
        }
        actions += dispatchWaiting { $0.partition == partition }
        actions += adjustFlow(of: partition)
        return actions + fetch(partition) + callForDeferred()
    }

    /// A reading of the parked sessions begins. Returns its number.
    package mutating func beginReadingParks() -> Int64 {
        parksRead.begun += 1
        return parksRead.begun
    }

    /// The sessions that are parked, by the reading of this number: what an earlier one found later counts for nothing.
    package mutating func readParks(_ sessions: [ParkedSession], number: Int64) -> [Action] {
        guard number > parksRead.last else { return [] }
        parksRead.last = number
        guard sessions != parks else { return [] }
        parks = sessions
        return toEveryHost(.park(sessions))
    }

    /// What a new host has to know before its first grant.
    var introduction: [HostCommand] {
        (tuning.map { [.adjust($0)] } ?? []) + (parks.isEmpty ? [] : [.park(parks)])
    }

    /// How a host is told of a partition.
    func grantCommands(_ grant: PartitionGrant, of partition: TopicPartition) -> [HostCommand] {
        [.grant(grant)] + (halted[partition] == nil ? [] : [.pause(assignments: [grant.assignment])])
    }
}
