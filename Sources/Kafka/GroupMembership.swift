/// What a consumer knows about its place in the group.
package enum GroupMembership: Sendable, Hashable {
    /// Not subscribed (or reading by manual assignment), or closed.
    case notJoined
    /// Subscribed; the group has not given out partitions yet.
    case joining
    /// Took part in the last rebalance; may own any number of partitions, also none.
    case member
    /// The group went on without this member; it joins again by itself.
    case lost
    /// Shut out for good, by another member of the same static identity or by a fatal error.
    case fenced(KafkaError)
}
