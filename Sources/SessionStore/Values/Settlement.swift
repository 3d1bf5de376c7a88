/// Everything that one request changes, written in one atomic step.
package struct Settlement: Sendable {
    package var session: String
    /// 0 creates the session.
    package var expectedRevision: Int64
    package var fence: Fence
    /// The session's position from now on. Never before the one it has in the same log; equal to it when a request
    /// takes effect ahead of its turn and is listed in `appliedAhead`, or when the session is amended after the fact.
    package var position: LogPosition
    /// What identifies the record at `position` in its log (its timestamp). Nil if there is no such record or it is not
    /// known: then the log's highest settled offset stays as it is.
    package var fingerprint: Int64?
    /// The full new list, or nil to leave it unchanged.
    package var appliedAhead: [LogPosition]?
    /// The turn that ends here; nil for requests that are settled without one.
    package var turn: TurnSettlement?
    /// Where the request stood first, if a worker of another topic has handed it over.
    package var origin: LogPosition?
    /// Whether a settlement without a `turn` deletes the open runs of the session whose request is the one at
    /// `position`, or at `origin`: they leave no trace, and the next turn gets their number. Means nothing with a `turn`.
    package var dropsRuns: Bool
    package var history: HistoryChange
    /// What the agent keeps besides the messages from now on; nil leaves it as it is, an empty array removes it. Written
    /// only if it changes.
    package var state: [UInt8]?
    /// The number of the next turn.
    package var turns: Int
    package var nextSeq: Int64
    package var isClosed: Bool
    /// Recorded with `position`; a key that the session already has is a conflict.
    package var idempotencyKey: String?
    /// Nil leaves the session's last control record as it is.
    package var lastControl: StoredEvent?
    /// Milliseconds since 1970.
    package var at: Int64

    package init(
        session: String, expectedRevision: Int64, fence: Fence, position: LogPosition, fingerprint: Int64?,
        appliedAhead: [LogPosition]? = nil, turn: TurnSettlement? = nil, origin: LogPosition? = nil,
        dropsRuns: Bool = false,
        history: HistoryChange = HistoryChange(), state: [UInt8]? = nil, turns: Int, nextSeq: Int64,
        isClosed: Bool = false, idempotencyKey: String? = nil,
        lastControl: StoredEvent? = nil, at: Int64
    ) {
        self.session = session
        self.expectedRevision = expectedRevision
        self.fence = fence
        self.position = position
        self.fingerprint = fingerprint
        self.appliedAhead = appliedAhead
        self.turn = turn
        self.origin = origin
        self.dropsRuns = dropsRuns
        self.history = history
        self.state = state
        self.turns = turns
        self.nextSeq = nextSeq
        self.isClosed = isClosed
        self.idempotencyKey = idempotencyKey
        self.lastControl = lastControl
        self.at = at
    }
}
