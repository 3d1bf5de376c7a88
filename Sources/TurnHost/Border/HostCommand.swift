package import Conversation
package import Kafka
package import SessionStore

/// What the consumer tells a turn host. Commands take effect in the order in which they were sent.
package enum HostCommand: Sendable, Hashable {
    /// The first command of a host's life: its name and the settings in force.
    case configure(hostID: String, settings: [UInt8])
    /// A partition's requests will come to this host, under this fence.
    case grant(PartitionGrant)
    /// Requests, in offset order within each partition.
    case dispatch([Dispatch])
    /// Everything up to the grant's end offset has been dispatched, or the consumer's bounds let no more in for now:
    /// what is waiting for a session is known as far as it will be.
    case caughtUp(assignment: Int64)
    /// Let go of these assignments: start no further turn of theirs, let those that run go on to their end for the
    /// grace and checkpoint what they have after it, and answer with ``HostReport/yielded(assignments:)``.
    case revoke(assignments: [Int64], grace: Duration)
    /// These assignments belong to somebody else by now: cancel, write nothing more. Not answered.
    case lose(assignments: [Int64])
    /// To be answered with ``HostReport/vitals(_:)``.
    case askVitals
    /// Stops that wait in the log behind requests that were not all handed over yet. Each has the effect that it would
    /// have if it were dispatched now, on what this host has of its session; it is dispatched in its place all the
    /// same, and may come here more than once before that.
    case stopAhead([StopAhead])
    /// What was changed of the settings while the service runs, in full.
    case adjust(HostTuning)
    /// Of these assignments nothing new begins until they are resumed; what runs goes on.
    case pause(assignments: [Int64])
    /// These assignments are paused no longer.
    case resume(assignments: [Int64])
    /// All sessions that are parked at the moment; those of an earlier such command that are not among them are not.
    case park([ParkedSession])
}

/// What a turn host tells its consumer.
package enum HostReport: Sendable, Hashable {
    /// The host is configured and takes commands.
    case ready
    /// A run of these entries is about to begin: if the host dies now, they are the suspects.
    case began(entries: [Int64])
    /// These entries are durably settled: their checkpoint is written and their closing event acknowledged, or their
    /// dead letter is acknowledged.
    case settled(entries: [Int64])
    /// Nothing of these assignments is left in the host: each of their entries was settled (and reported) or let go.
    case yielded(assignments: [Int64])
    /// The store refused a write because a newer fence was taken for this assignment's partition.
    case fenced(assignment: Int64)
    /// How the host is, from where its turns run.
    case vitals(HostVitals)
    /// What was counted in the host since the last such report, for the worker's metrics.
    case counted([UInt8])
}

/// One assignment of one requests partition, as a host has to know it.
package struct PartitionGrant: Sendable, Hashable {
    /// Unique in the consumer's life; a partition that comes back is a new assignment.
    package var assignment: Int64
    /// Which log the partition's offsets are offsets in.
    package var log: LogIdentity
    /// What every write to a session of this partition is conditional on.
    package var fence: Fence
    /// The end offset of the partition when it was assigned.
    package var endOffset: Int64

    package init(assignment: Int64, log: LogIdentity, fence: Fence, endOffset: Int64) {
        self.assignment = assignment
        self.log = log
        self.fence = fence
        self.endOffset = endOffset
    }
}

/// One request on its way to a host.
package struct Dispatch: Sendable, Hashable {
    /// Unique in the consumer's life; reports name requests by it.
    package var entry: Int64
    /// The assignment that it came under.
    package var assignment: Int64
    /// Validated by the consumer's intake.
    package var session: String
    /// The record as it came, for the dead letters and for another host.
    @Boxed package var record: KafkaRecord
    /// The record's value, decoded.
    @Boxed package var request: Request
    /// How the last host died that had this request, if one did.
    package var death: HostDeath?
    /// Whether it came to its host while a turn of its session ran there, or waited to. Known to that host only.
    var cameWhileBusy = false

    package init(
        entry: Int64, assignment: Int64, session: String, record: KafkaRecord, request: Request, death: HostDeath? = nil
    ) {
        self.entry = entry
        self.assignment = assignment
        self.session = session
        self.record = record
        self.request = request
        self.death = death
    }
}

/// How a turn host ended.
package struct HostDeath: Sendable, Hashable {
    /// What it counts as.
    package var kind: RunEnd
    /// For people and for the run's row: `SIGSEGV`, `exit status 3`, `out of memory (512 MiB)`.
    package var cause: String
    /// The host that died.
    package var hostID: String
    /// Runs of more than one session were in it: any of them may have been what it died of.
    package var isInCompany: Bool
    /// The deaths of hosts that had the same request before, the last one first: a host may die before it has put on
    /// record how the one before it did.
    package var earlier: [HostDeath] = []

    package init(kind: RunEnd, cause: String, hostID: String, isInCompany: Bool = false) {
        self.kind = kind
        self.cause = cause
        self.hostID = hostID
        self.isInCompany = isInCompany
    }

    /// How the host of this name died, if it is one of those.
    func death(of hostID: String) -> HostDeath? {
        self.hostID == hostID ? self : earlier.first { $0.hostID == hostID }
    }

    /// This death, and behind it the ones before; not more of them than can matter.
    package func following(_ last: HostDeath?) -> HostDeath {
        guard var last else { return self }
        var death = self
        let before = last.earlier
        last.earlier = []
        death.earlier = Array(([last] + before).prefix(8))
        return death
    }

    /// How the runs ended that were in it.
    package var runEnd: RunEnd {
        switch kind {
        case .crashed: isInCompany ? .crashedInCompany : .crashed
        case .outOfMemory: isInCompany ? .outOfMemoryInCompany : .outOfMemory
        case .crashedInCompany, .outOfMemoryInCompany, .handover, .unknown: kind
        }
    }
}
