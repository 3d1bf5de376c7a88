/// A write that waits for its group.
struct QueuedWrite: Sendable {
    /// Does the write within the group's transaction and returns what to call once that is committed. May be called
    /// again, in another transaction, if the first one had to be rolled back.
    let perform: @Sendable (GroupTransaction) throws -> @Sendable () -> Void
    /// Called instead if the write could not be committed.
    let fail: @Sendable (any Error) -> Void
}
