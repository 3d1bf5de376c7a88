/// How a turn ended, written to the row of the run that ended it.
package struct TurnSettlement: Hashable, Sendable {
    package var turn: Int
    package var run: Int
    /// A final one: not `running`, not `interrupted`.
    package var status: RunStatus
    package var outcome: String
    package var finishReason: String?
    /// JSON; the store does not look into it.
    package var usage: [UInt8]?
    package var error: String?
    package var stopped: Bool

    package init(
        turn: Int, run: Int, status: RunStatus, outcome: String, finishReason: String? = nil, usage: [UInt8]? = nil,
        error: String? = nil, stopped: Bool = false
    ) {
        self.turn = turn
        self.run = run
        self.status = status
        self.outcome = outcome
        self.finishReason = finishReason
        self.usage = usage
        self.error = error
        self.stopped = stopped
    }
}
