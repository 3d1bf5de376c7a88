import Kafka
import TurnHost

/// One partition from the moment it is given to this consumer until it is taken away.
struct Assignment {
    /// That nothing of a partition can be handed over, though it is ours.
    struct Wait {
        let since: ContinuousClock.Instant
        /// What went wrong last.
        var obstacle: String?
    }

    enum Phase {
        /// Its log is being identified and its fence taken; records are dropped, and read again from the start that
        /// comes out of it.
        case preparing(Wait)
        case granted(PartitionGrant)
        /// The store holds a newer fence than ours, which is to be taken again if the partition is still ours. What
        /// comes meanwhile is kept.
        case refencing(PartitionGrant, Wait)
        /// It was asked back from these hosts, and they have not let go of it yet.
        case revoking(awaiting: Set<Int>)
    }

    /// Unique in the consumer's life. A new fence makes a new assignment of it.
    var id: Int64
    var phase: Phase
    var tracker = OffsetTracker()
    /// What is waiting in the log is known to the hosts as far as it will be.
    var isCaughtUp = false
    /// Its deferred requests on their way back.
    var refetch = Refetch()
    /// The stops ahead of intake.
    var lane = FastLane()

    init(id: Int64, at now: ContinuousClock.Instant) {
        self.id = id
        phase = .preparing(Wait(since: now))
    }

    var grant: PartitionGrant? {
        if case .granted(let grant) = phase { grant } else { nil }
    }

    /// Nil if it is granted, or on its way out.
    var wait: Wait? {
        switch phase {
        case .preparing(let wait), .refencing(_, let wait): wait
        case .granted, .revoking: nil
        }
    }

    /// Whether records of it are taken in.
    var isReceiving: Bool {
        switch phase {
        case .granted, .refencing: true
        case .preparing, .revoking: false
        }
    }
}
