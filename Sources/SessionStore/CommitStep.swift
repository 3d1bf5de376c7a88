/// A point of a group commit at which a fault can be injected.
package enum CommitStep: Hashable, Sendable {
    /// Every write of the group is done and none is committed. `sessions` are those that the group settles.
    case inTransaction(sessions: [String])
}
