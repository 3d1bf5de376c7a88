public import Conversation

/// A session comes to life on this worker.
public struct BootEvent: Sendable {
    /// The turn that the session is booted for.
    public let identity: TurnIdentity
    /// The run that this one took over from, if an earlier run of the turn died.
    public let previousRunID: String?

    package init(identity: TurnIdentity, previousRunID: String?) {
        self.identity = identity
        self.previousRunID = previousRunID
    }
}

/// A run of a turn begins.
public struct TurnStartEvent: Sendable {
    /// Which turn.
    public let identity: TurnIdentity
    /// The history with the request's message in it: what the model will be given.
    public let messages: [Message]
    /// The unfinished answer that this run goes on with, if it does.
    public let partialAssistant: Message?

    package init(identity: TurnIdentity, messages: [Message], partialAssistant: Message?) {
        self.identity = identity
        self.messages = messages
        self.partialAssistant = partialAssistant
    }
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
    /// What this turn added: the request's message, if it had one, and the answer, if there is one.
    public let newMessages: [Message]
    /// The answer as it was stored: cleaned if the turn was stopped or failed; `nil` if nothing was left of it.
    public let responseMessage: Message?
    /// Whether the user stopped the turn.
    public let isStopped: Bool
    /// What the model calls of this run cost, as far as known.
    public let usage: Usage?
    /// Why the turn failed, if it did.
    public let error: TurnError?

    package init(
        identity: TurnIdentity, outcome: TurnOutcome, finishReason: FinishReason, messages: [Message],
        newMessages: [Message], responseMessage: Message?, isStopped: Bool, usage: Usage?, error: TurnError?
    ) {
        self.identity = identity
        self.outcome = outcome
        self.finishReason = finishReason
        self.messages = messages
        self.newMessages = newMessages
        self.responseMessage = responseMessage
        self.isStopped = isStopped
        self.usage = usage
        self.error = error
    }
}

/// Why a turn failed, as it is stored and told to readers.
public struct TurnError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable, in snake case: a model error's code, or `agent_error`.
    public let code: String
    /// One sentence.
    public let message: String

    /// Makes an error.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    package static let chunkTooLargeCode = "chunk_too_large"

    package static func chunkTooLarge(type: String, size: Int, maximum: Int) -> TurnError {
        TurnError(
            code: chunkTooLargeCode,
            message: "a '\(type)' chunk of \(size) bytes exceeds the \(maximum) of a record")
    }
}
