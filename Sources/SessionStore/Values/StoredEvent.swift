/// The control record that ended a session's latest request: kept so that it can be written to the events topic again,
/// with the same `seq`, when a death fell between the settlement and the broker's acknowledgement.
package struct StoredEvent: Hashable, Sendable {
    package let seq: Int64
    /// Nil, like `run`, on a record that belongs to no turn.
    package let turn: Int?
    package let run: Int?
    /// The subtype: `turn-complete`, `duplicate` and so on.
    package let control: String
    package let requestID: String
    package let requestOffset: Int64
    package let body: [UInt8]

    package init(
        seq: Int64, turn: Int?, run: Int?, control: String, requestID: String, requestOffset: Int64, body: [UInt8]
    ) {
        self.seq = seq
        self.turn = turn
        self.run = run
        self.control = control
        self.requestID = requestID
        self.requestOffset = requestOffset
        self.body = body
    }
}
