/// What is known of a turn whose earlier run did not settle it.
package struct RecoveryEvidence: Sendable, Hashable {
    /// How the dead run's answer ended, if its events say that it did.
    package enum Ending: Sendable, Hashable, CaseIterable {
        case finished, aborted, failed
        /// An earlier recovery had settled it for the next message to decide.
        case interrupted
        /// An earlier recovery had set the request aside.
        case deadLettered
    }

    /// Why the last run died.
    package var cause: RecoveryCause
    /// Whether something of the answer is left after cleaning.
    package var hasPartial: Bool
    /// The dead run said its last word; only the settlement is missing.
    package var ending: Ending?
    /// A stop for this turn is in the log.
    package var isStopped: Bool
    /// A newer message of the user was already waiting when the partition was assigned.
    package var hasNewerMessages: Bool
    /// Which budget is used up, if one is.
    package var exhausted: ExhaustedBudget?

    package init(
        cause: RecoveryCause, hasPartial: Bool, ending: Ending? = nil, isStopped: Bool = false,
        hasNewerMessages: Bool = false, exhausted: ExhaustedBudget? = nil
    ) {
        self.cause = cause
        self.hasPartial = hasPartial
        self.ending = ending
        self.isStopped = isStopped
        self.hasNewerMessages = hasNewerMessages
        self.exhausted = exhausted
    }
}

/// Why a request is given up: it killed its hosts as often as it may, or it did and its session is parked, so that it may
/// not again. The raw value is the dead letter's `cause`.
package enum ExhaustedBudget: String, Sendable, Hashable, CaseIterable {
    case crashLoop = "crash-loop"
    case outOfMemory = "out-of-memory"
    case parked
}

/// What is done about a turn whose earlier run did not settle it.
package enum RecoveryDecision: Sendable, Hashable {
    /// The answer was complete: settle it as it ended, without a model call.
    case settleEnded(RecoveryEvidence.Ending)
    /// The user had stopped the turn: keep the cleaned partial.
    case settleStopped
    /// Keep question and cleaned partial, and let the next message decide.
    case settleInterrupted
    /// Go on with the same message.
    case continueAnswer
    /// Nothing of an answer is there: begin again.
    case runAgain
    /// Give the request up.
    case deadLetter(ExhaustedBudget)

    /// The word that stands for the decision in the `recovered` control record.
    package var name: String {
        switch self {
        case .settleEnded, .settleStopped, .settleInterrupted: "settle"
        case .continueAnswer: "continue"
        case .runAgain: "run-again"
        case .deadLetter: "dead-letter"
        }
    }
}

/// The default answer to a death, before ``ChatAgent/onRecoveryBoot(_:)`` has its say.
public enum RecoveryPolicy: String, Sendable, Hashable, CaseIterable {
    /// Go on with the answer where it stopped, unless the user has already moved on.
    case `continue`
    /// Keep question and partial, and wait for the user's next message to decide.
    case settle

    /// A pure function of the evidence.
    ///
    /// What needs no model call is decided first, so that a request that is over its budget, but has its answer, is
    /// answered.
    /// A handover is not a death: its answer goes on even if the user has moved on or the policy is to settle.
    package func decide(_ evidence: RecoveryEvidence) -> RecoveryDecision {
        if let ending = evidence.ending { return .settleEnded(ending) }
        if evidence.isStopped { return .settleStopped }
        if let exhausted = evidence.exhausted { return .deadLetter(exhausted) }
        guard evidence.hasPartial else { return .runAgain }
        if evidence.cause == .handover { return .continueAnswer }
        return evidence.hasNewerMessages || self == .settle ? .settleInterrupted : .continueAnswer
    }
}
