public import Conversation

/// A session comes to life on this worker.
public struct BootEvent: Sendable {
    /// The turn, or other work, that the session is booted for.
    public let identity: TurnIdentity
    /// The run that this one took over from, if an earlier run of the turn died.
    public let previousRunID: String?
}

/// A session is warmed before its first message.
public struct PreloadEvent: Sendable {
    public let identity: TurnIdentity
    /// Writes transient data parts; they join no message.
    public let writer: TransientWriter
}

/// A message has come in that a turn is to take up.
public struct ValidationEvent: Sendable {
    public let identity: TurnIdentity
    /// The message as it came, without calls of tools that have no result: a user's, or the assistant's that answers
    /// calls, which holds the answers only.
    public let message: Message
}

/// A turn, or an action, needs the history of an agent that keeps it itself.
public struct HydrationEvent: Sendable {
    public let identity: TurnIdentity
    /// The message that came in; `nil` for an action and a regenerate.
    public let incoming: Message?
    /// The history that the session had on this worker after its last turn; empty after a boot.
    public let previousMessages: [Message]

    /// `stored` with the incoming message at its end, if it is a user's and not in there. For agents that store a
    /// message before they answer it.
    public func upserting(into stored: [Message]) -> [Message] {
        guard let incoming, identity.trigger == .message, !incoming.id.isEmpty else { return appending(to: stored) }
        return stored.contains { $0.id == incoming.id } ? stored : stored + [incoming]
    }

    private func appending(to stored: [Message]) -> [Message] {
        guard let incoming, identity.trigger == .message else { return stored }
        return stored + [incoming]
    }
}

/// The first turn of a conversation is about to begin.
public struct ChatStartEvent: Sendable {
    public let identity: TurnIdentity
    public let history: History
    /// Writes data parts of the answer.
    public let writer: PartWriter
}

/// A run of a turn begins.
public struct TurnStartEvent: Sendable {
    public let identity: TurnIdentity
    /// The history with the request's message in it.
    public let messages: [Message]
    /// The same, to be changed. What is written to it counts before ``ChatAgent/run(_:)``.
    public let history: History
    /// The unfinished answer that this run goes on with, if it does.
    public let partialAssistant: Message?
    /// What the turn before this one cost, and all turns since this worker holds the session, as far as known.
    public let previousTurnUsage: Usage?
    public let totalUsage: Usage?
    /// Writes data parts of the answer.
    public let writer: PartWriter
}

/// The model is about to be given a prompt.
public struct PromptEvent: Sendable {
    /// Why the prompt was made.
    public enum Reason: String, Sendable, Hashable {
        /// The model is asked for the first time in this run.
        case run
        /// The model goes on after a step.
        case step
        /// The model goes on, and the history was compacted meanwhile.
        case compaction
    }

    public let identity: TurnIdentity
    public let reason: Reason
    /// What the model would be given: a summary in the place of what was compacted, and no call without a result.
    public let messages: [Message]
}

/// A message waits at the boundary between two steps of the turn that runs.
public struct SteeringEvent: Sendable {
    public let identity: TurnIdentity
    /// The messages that wait, oldest first.
    public let messages: [Message]
    /// How many steps the answer has.
    public let step: Int
}

/// The history was compacted.
public struct CompactionEvent: Sendable {
    public let identity: TurnIdentity
    public let summary: String
    /// How many messages the summary stands for, and how many stay beside it.
    public let compactedCount: Int
    public let keptCount: Int
    /// Before which step of the answer; `nil` after the answer.
    public let step: Int?
}

/// An answer has come to its end and is about to be settled.
public struct TurnEndEvent: Sendable {
    public let identity: TurnIdentity
    /// The history with the answer in it. What is written to it is part of the settlement.
    public let history: History
    /// The answer; `nil` if nothing was left of it.
    public let responseMessage: Message?
    /// Why the answer ended.
    public let finishReason: FinishReason
    /// Whether the user stopped the turn.
    public let isStopped: Bool
    /// What the model calls of this run cost, as far as known.
    public let usage: Usage?
    /// Writes data parts of the answer.
    public let writer: PartWriter
}

/// A turn is settled: its effect is durable and its closing event is published.
public struct TurnCompleteEvent: Sendable {
    /// Which turn.
    public let identity: TurnIdentity
    /// How the turn ended.
    public let outcome: TurnOutcome
    /// Why the answer ended.
    public let finishReason: FinishReason
    /// The whole history, with what this turn added.
    public let messages: [Message]
    /// The same, to be changed. What is written to it is stored as an amendment of the settlement; a death, or a
    /// handover, before that loses it.
    public let history: History
    /// What this turn added: the request's message, if it was a user's, and the answer, if there is one.
    public let newMessages: [Message]
    /// The answer as it was stored: cleaned if the turn was stopped or failed; `nil` if nothing was left of it.
    public let responseMessage: Message?
    /// The answer before it was cleaned.
    public let rawResponseMessage: Message?
    /// Whether the user stopped the turn.
    public let isStopped: Bool
    /// What the model calls of this run cost, and of all turns since this worker holds the session, as far as known.
    public let usage: Usage?
    public let totalUsage: Usage?
    /// Why the turn failed, if it did.
    public let error: TurnError?
}

/// A session's stored state was read into this worker's memory.
public struct LoadEvent: Sendable {
    public let identity: TurnIdentity
    public let messages: [Message]
}

/// A session leaves this worker's memory; what it has stored stays.
public struct EvictionEvent: Sendable {
    public let session: String
    public let locals: Locals
}
