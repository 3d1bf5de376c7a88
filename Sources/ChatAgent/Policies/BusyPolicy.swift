/// What becomes of a user's message that comes while a turn of its session runs.
///
/// Answers to tool calls, actions, `regenerate` and `close` always wait for their turn, and `stop` always overtakes.
public enum BusyPolicy: String, Sendable, Hashable, CaseIterable {
    /// It becomes a turn of its own, in its order.
    case queue
    /// It joins the turn that runs, at the next boundary between two steps; a part `data-pending-message-injected` of
    /// the answer says so. If no boundary comes any more, or the agent does not want it, it becomes the next turn.
    case steer
    /// The turn that runs ends as it is, its partial answer is kept, and the message is answered.
    case interrupt
    /// It is settled without a turn, and readers are told with a `rejected` record.
    case reject
}
