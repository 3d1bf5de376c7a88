public import Conversation

/// A turn's earlier run died and left a partial answer.
public struct RecoveryBootEvent: Sendable {
    /// The turn being recovered; ``TurnIdentity/run`` is the new run.
    public let identity: TurnIdentity
    /// The run that died.
    public let previousRunID: String
    /// Why it died, as far as anyone saw.
    public let cause: RecoveryCause
    /// The history as the last settlement left it.
    public let settledMessages: [Message]
    /// The messages of requests that are not settled, in offset order: first the one that was being answered.
    public let inFlightUsers: [Message]
    /// The partial answer, cleaned: finished text and reasoning, no unfinished tool call.
    public let partialAssistant: Message
    /// Calls in the raw partial whose input was complete and that had no result. `partIndex` counts the raw parts.
    public let pendingToolCalls: [PendingToolCall]
    /// Writes transient data parts to the session's events ahead of everything else of this run.
    public let writer: TransientWriter

    package init(
        identity: TurnIdentity, previousRunID: String, cause: RecoveryCause, settledMessages: [Message],
        inFlightUsers: [Message], partialAssistant: Message, pendingToolCalls: [PendingToolCall],
        writer: TransientWriter
    ) {
        self.identity = identity
        self.previousRunID = previousRunID
        self.cause = cause
        self.settledMessages = settledMessages
        self.inFlightUsers = inFlightUsers
        self.partialAssistant = partialAssistant
        self.pendingToolCalls = pendingToolCalls
        self.writer = writer
    }
}

/// What became of a run that did not settle.
public enum RecoveryCause: Sendable, Hashable, CustomStringConvertible {
    /// The process died of its own: a signal or an exit status, for instance `SIGSEGV`.
    case crashed(String)
    /// The process took more memory than it may.
    case outOfMemory
    /// The user stopped the turn.
    case cancelled
    /// The worker gave the partition up in good order.
    case handover
    /// Nobody saw: the whole node was lost.
    case unknown

    /// The word that stands for the cause on the wire.
    public var description: String {
        switch self {
        case .crashed: "crashed"
        case .outOfMemory: "out-of-memory"
        case .cancelled: "cancelled"
        case .handover: "handover"
        case .unknown: "unknown"
        }
    }
}

/// What ``ChatAgent/onRecoveryBoot(_:)`` wants instead of the default.
///
/// Each member stands for itself: one that is `nil` keeps its own default. A result whose every member is `nil` is the
/// same as no result.
public struct RecoveryBootResult: Sendable {
    /// The history to go on with, exactly. Default: the settled messages, the message that was being answered, and the
    /// partial.
    public var chain: [Message]?
    /// Which of the messages in flight are run as turns, by message id, in offset order; one that is left out is
    /// settled without a turn, for good. An entry with different content replaces the message. An entry that is not
    /// in flight has no request that could be settled and is passed over with a warning. Default: all but the first.
    ///
    /// A message that also stands in the chain stays there: no prompt holds two messages with the same id.
    public var recoveredTurns: [Message]?
    /// Awaited before the first recovered turn. If it throws, the run fails and the request is tried again.
    public var beforeBoot: (@Sendable () async throws -> Void)?

    /// Makes a result.
    public init(
        chain: [Message]? = nil, recoveredTurns: [Message]? = nil,
        beforeBoot: (@Sendable () async throws -> Void)? = nil
    ) {
        self.chain = chain
        self.recoveredTurns = recoveredTurns
        self.beforeBoot = beforeBoot
    }
}
