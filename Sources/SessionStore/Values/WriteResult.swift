/// What came of a conditional write. Only `written` left a trace, and it is durable.
package enum WriteResult: Hashable, Sendable {
    /// The session's revision after the write.
    case written(revision: Int64)
    /// The writer's fence is not the partition's newest. `current` is the newest token, 0 if none was ever taken.
    case fenced(current: Int64)
    /// The session, the run or the log is not what the writer took it for.
    case conflict(reason: String)
}
