import Kafka
import TurnHost

/// One partition from the moment it is given to this consumer until it is taken away.
struct Assignment {
    enum Phase {
        /// Its log is being identified and its fence taken; records are dropped, and read again from the start that
        /// comes out of it.
        case preparing
        case granted(PartitionGrant)
        /// The store holds a newer fence than ours, which is to be taken again if the partition is still ours. What
        /// comes meanwhile is kept.
        case refencing(PartitionGrant)
        /// It was asked back from these hosts, and they have not let go of it yet.
        case revoking(awaiting: Set<Int>)
    }

    /// Unique in the consumer's life. A new fence makes a new assignment of it.
    var id: Int64
    var phase: Phase = .preparing
    var tracker = OffsetTracker()
    /// What is waiting in the log is known to the hosts as far as it will be.
    var isCaughtUp = false
    /// Its deferred requests on their way back.
    var refetch = Refetch()
    /// The stops ahead of intake.
    var lane = FastLane()

    var grant: PartitionGrant? {
        if case .granted(let grant) = phase { grant } else { nil }
    }

    /// Whether records of it are taken in.
    var isReceiving: Bool {
        switch phase {
        case .granted, .refencing: true
        case .preparing, .revoking: false
        }
    }
}
