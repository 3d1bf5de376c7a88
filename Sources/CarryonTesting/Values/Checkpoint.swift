public import Conversation

/// The durable state of the session: what the next worker begins with.
public struct Checkpoint: Sendable, Hashable {
    /// The whole history.
    public let messages: [Message]
    /// The number of the next turn.
    public let turns: Int
    /// The `seq` that the session's next event will have.
    public let nextSeq: Int64
    /// One more with each settlement, from 1.
    public let revision: Int64
    /// The offset of the last request that is settled; `nil` before the first one.
    public let offset: Int64?
    /// Whether the session takes no more requests.
    public let isClosed: Bool
    /// How many runs of the next turn were begun and did not settle it.
    public let openRuns: Int
    /// What stands for the beginning of the history in the prompts, if it was compacted.
    public let summary: String?
    /// The values of the agent's durable locals, by their keys' ids.
    public let locals: JSONObject
}
