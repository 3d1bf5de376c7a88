public import Conversation

/// What every hook is told: which session, which turn, and what the request carried.
public struct TurnIdentity: Sendable {
    /// What a turn, or another piece of work, was begun for.
    public enum Trigger: String, Sendable, Hashable, CaseIterable {
        /// A user's message.
        case message
        /// An answer to calls of tools: the assistant's message goes on.
        case toolAnswer = "tool-answer"
        /// The last answer is to be given again.
        case regenerate
        /// An action of the application; no turn.
        case action
        /// The session is to be warmed; no turn.
        case preload
    }

    /// The session's id, as the producer chose it.
    public let session: String
    /// The turn's number, from 0, per session and for ever. For what is no turn, the number of the next one.
    public let turn: Int
    /// 1 for the turn's first run, one more for each that took over from a dead one.
    public let run: Int
    public let trigger: Trigger
    /// The request's id: the producer's, or `PARTITION-OFFSET`.
    public let requestID: String
    /// The request's client data, untouched. `nil` if it carried none; JSON `null` is a value.
    public let data: JSON?
    /// Whether this worker took the session over from stored state, as against having seen it begin.
    public let isContinuation: Bool
    /// The session's values on this worker.
    public let locals: Locals
    /// What may be asked for beside the answer.
    public let lifecycle: TurnLifecycle

    /// Makes an identity.
    public init(
        session: String, turn: Int, run: Int, trigger: Trigger = .message, requestID: String, data: JSON?,
        isContinuation: Bool, locals: Locals, lifecycle: TurnLifecycle = TurnLifecycle()
    ) {
        self.session = session
        self.turn = turn
        self.run = run
        self.trigger = trigger
        self.requestID = requestID
        self.data = data
        self.isContinuation = isContinuation
        self.locals = locals
        self.lifecycle = lifecycle
    }

    /// Names this run among all runs of all sessions.
    public var runID: String { Self.runID(session: session, turn: turn, run: run) }

    package static func runID(session: String, turn: Int, run: Int) -> String { "\(session)/\(turn)/\(run)" }
}
