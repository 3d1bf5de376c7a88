public import Conversation

/// When and how a long history is replaced by a summary of itself in what the model is given.
///
/// The transcript stays whole; the summary is part of the checkpoint. Looked at between the steps of a turn and after
/// the answer.
public struct CompactionPolicy: Sendable {
    /// What there may be at most before a history is compacted.
    public enum Limit: Sendable, Hashable {
        /// So many messages in the prompt.
        case messages(Int)
        /// So many tokens, as the provider counted the last prompt, or estimated at four bytes each.
        case tokens(Int)
    }

    public var limit: Limit
    /// How many of the latest messages stay as they are.
    public var keep: Int
    /// Makes the summary of `messages`, the prompt's beginning (an earlier summary included). An error leaves the
    /// history as it is and is logged.
    public var summarize: @Sendable (_ messages: [Message], TurnIdentity) async throws -> String

    /// Makes a policy.
    public init(
        limit: Limit, keep: Int = 4,
        summarize: @escaping @Sendable (_ messages: [Message], TurnIdentity) async throws -> String
    ) {
        self.limit = limit
        self.keep = max(keep, 0)
        self.summarize = summarize
    }
}
