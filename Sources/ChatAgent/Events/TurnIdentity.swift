public import Conversation

/// What every hook of a turn is told: which session, which turn, and what the request carried.
public struct TurnIdentity: Sendable {
    /// The session's id, as the producer chose it.
    public let session: String
    /// The turn's number, from 0, per session and for ever.
    public let turn: Int
    /// 1 for the turn's first run, one more for each that took over from a dead one.
    public let run: Int
    /// The request's id: the producer's, or `PARTITION-OFFSET`.
    public let requestID: String
    /// The request's client data, untouched. `nil` if it carried none; JSON `null` is a value.
    public let data: JSON?
    /// Whether this worker took the session over from stored state, as against having seen it begin.
    public let isContinuation: Bool
    /// The session's values on this worker.
    public let locals: Locals

    /// Makes an identity.
    public init(
        session: String, turn: Int, run: Int, requestID: String, data: JSON?, isContinuation: Bool, locals: Locals
    ) {
        self.session = session
        self.turn = turn
        self.run = run
        self.requestID = requestID
        self.data = data
        self.isContinuation = isContinuation
        self.locals = locals
    }

    /// Names this run among all runs of all sessions.
    public var runID: String { Self.runID(session: session, turn: turn, run: run) }

    package static func runID(session: String, turn: Int, run: Int) -> String { "\(session)/\(turn)/\(run)" }
}
