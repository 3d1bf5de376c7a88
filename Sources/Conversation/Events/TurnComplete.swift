/// A turn is settled: the value of the control record `turn-complete`.
public struct TurnComplete: Sendable, Hashable {
    public var turn: Int
    public var outcome: TurnOutcome
    /// Why the model stopped. A reason that is not known is read as ``FinishReason/other``.
    public var finishReason: FinishReason
    /// The id of the answer, if there is one.
    public var messageID: String?
    public var usage: Usage?
    /// What went wrong, if something did.
    public var error: JSON?
    /// Whether the user stopped the turn.
    public var stopped: Bool

    public init(
        turn: Int, outcome: TurnOutcome, finishReason: FinishReason, messageID: String? = nil, usage: Usage? = nil,
        error: JSON? = nil, stopped: Bool = false
    ) {
        self.turn = turn
        self.outcome = outcome
        self.finishReason = finishReason
        self.messageID = messageID
        self.usage = usage
        self.error = error
        self.stopped = stopped
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        turn = try members.int("turn")
        outcome = try members.oneOf("outcome", TurnOutcome.self)
        finishReason = FinishReason(reading: try members.string("finishReason"))
        messageID = try members.optionalString("messageId")
        usage = nil
        if let value = members.json("usage"), !value.isNull {
            do {
                usage = try Usage(json: value)
            } catch {
                throw error.within("usage")
            }
        }
        error = members.json("error")
        stopped = try members.bool("stopped")
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("turn", int: Int64(turn))
        sink.member("outcome", string: outcome.rawValue)
        sink.member("finishReason", string: finishReason.rawValue)
        sink.member("messageId", string: messageID)
        sink.member("usage", object: usage)
        sink.member("error", json: error)
        sink.member("stopped", bool: stopped)
    }
}
