package import Conversation

/// What a run of a turn is to do.
package struct TurnPlan: Sendable {
    /// What the turn answers.
    package indirect enum Trigger: Sendable {
        /// A user's message.
        case message(Message)
        /// An answer from outside to calls of the assistant's message `base`, which goes on.
        case answer(Message, base: String)
        case regenerate

        /// The message that the request brought, if it brought one.
        var message: Message? {
            switch self {
            case .message(let message), .answer(let message, _): message
            case .regenerate: nil
            }
        }
    }

    /// How the run goes about it.
    package indirect enum Course: Sendable {
        /// Run the agent; on a dead run's answer if there is one.
        case run(continuing: MessageAssembler?)
        /// Only settle what a dead run left.
        case settle(MessageAssembler?, SettledAs)
        /// Settle as it is: the request has used up its budget.
        case giveUp(TurnError, MessageAssembler?)
        /// Settle without an answer and leave the history as it is given: a recovery hook has decided.
        case leaveOut

        /// The dead run's answer, as far as it is gone on with.
        package var assembler: MessageAssembler? {
            switch self {
            case .run(let assembler): assembler
            case .settle(let assembler, _): assembler
            case .giveUp(_, let assembler): assembler
            case .leaveOut: nil
            }
        }
    }

    /// As what a dead run's answer is settled.
    package enum SettledAs: Sendable, Hashable { case ended(RecoveryEvidence.Ending), stopped, interrupted }

    package var identity: TurnIdentity
    package var trigger: Trigger
    package var course: Course
    /// The answer's message id, unless a dead run has begun it.
    package var messageID: String
    /// How many parts of the answer earlier turns have settled.
    package var baseCount = 0
    package var needsBoot: Bool
    /// The turn's tools, if they were asked for already.
    package var tools: ToolSet?
    /// Whether the conversation begins with this turn.
    package var isChatStart = false
    package var previousRunID: String?
    /// Whether the agent is to look at the message of a turn that is only settled: not if that may be what kills its
    /// hosts.
    package var validates = true
    /// Calls that an earlier run was about to make.
    package var intents: Set<String> = []
    /// Calls of the model that a dead run had made, and of whose answers nothing is gone on with: they are made again.
    package var repeatedCalls = 0
    /// Messages that had joined the dead run.
    package var injected: [WaitingMessage] = []
    package var summary: ConversationSummary?
    package var previousUsage: Usage?
    package var totalUsage: Usage?
    /// Whether a recovery hook has put the history otherwise than the requests and events amount to.
    package var isAmended = false

    package init(
        identity: TurnIdentity, trigger: Trigger, course: Course, messageID: String, needsBoot: Bool,
        previousRunID: String? = nil
    ) {
        self.identity = identity
        self.trigger = trigger
        self.course = course
        self.messageID = messageID
        self.needsBoot = needsBoot
        self.previousRunID = previousRunID
    }
}

/// What became of a run.
package indirect enum TurnResult: Sendable {
    /// The turn is over and can be settled.
    case settle(TurnEffect)
    /// Another worker goes on with it.
    case handedOver
    /// A newer version of the service is to answer it.
    case leftForUpgrade
    /// The partition is somebody else's: nothing may be written.
    case lost
}

/// What a turn that is over changes.
package struct TurnEffect: Sendable {
    package var chain: Chain
    package var outcome: TurnOutcome
    package var finishReason: FinishReason
    package var isStopped: Bool
    package var newMessages: [Message]
    package var response: Message?
    package var rawResponse: Message?
    package var usage: Usage?
    package var error: TurnError?
    /// Messages behind the turn's own that joined it.
    package var injected: [WaitingMessage]
    package var summary: ConversationSummary?
    /// Whether the history is not what the request and the answer's chunks alone amount to.
    package var isAmended: Bool
    /// Whether the session is booted on this worker now.
    package var isBooted: Bool
}
