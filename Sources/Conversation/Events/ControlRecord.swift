/// A record on the events topic that is no chunk: it says what happens to a turn or to a request.
public enum ControlRecord: Sendable, Hashable {
    /// A run begins.
    case turnStart(turn: Int, run: Int, messageID: String)
    /// A run took over from a dead one; what follows continues the same message, unless ``superseded(fromSeq:)`` comes.
    case recovered(cause: String, previousRun: Int?, policy: String, partial: Bool)
    /// This turn's chunks from that `seq` on are to be forgotten: they are replaced by what follows.
    case superseded(fromSeq: Int64)
    /// What the settlement that follows changes beyond what the events before it say.
    indirect case checkpoint(CheckpointRecord)
    /// The turn is settled.
    indirect case turnComplete(TurnComplete)
    /// An action was carried out.
    case actionComplete(outcome: String)
    /// The request was settled without a turn: its idempotency key had been used.
    case duplicate(requestID: String)
    /// The request was settled without a turn: its deadline had passed.
    case expired(requestID: String)
    /// The request was settled without a turn: the session is closed.
    case closed(requestID: String)
    /// The request was settled without a turn of its own: its message joined the turn that ran, or a recovery hook left
    /// it out.
    case skipped(requestID: String)
    /// The request was settled without a turn: it came while a turn ran, and the agent takes nothing then.
    case rejected(requestID: String)
    /// The turn was left, uncommitted, for a newer version of the service.
    case upgradeRequired(turn: Int)
    /// A control record of a subtype that this library does not know. Its value is an object.
    case unknown(subtype: String, value: JSON)

    /// Reads a control record's value. An unknown subtype becomes ``unknown(subtype:value:)``; members that are not
    /// known are ignored.
    public init(subtype: String, value: JSON) throws(ConversationError) {
        var members = try MemberReader(value)
        switch subtype {
        case "turn-start":
            self = .turnStart(
                turn: try members.int("turn"), run: try members.int("run"), messageID: try members.string("messageId"))
        case "recovered":
            self = .recovered(
                cause: try members.string("cause"), previousRun: try members.optionalInt("previousRun"),
                policy: try members.string("policy"), partial: try members.bool("partial"))
        case "superseded": self = .superseded(fromSeq: try members.int64("fromSeq"))
        case "checkpoint": self = .checkpoint(try CheckpointRecord(&members))
        case "turn-complete": self = .turnComplete(try TurnComplete(&members))
        case "action-complete": self = .actionComplete(outcome: try members.string("outcome"))
        case "duplicate": self = .duplicate(requestID: try members.string("requestId"))
        case "expired": self = .expired(requestID: try members.string("requestId"))
        case "closed": self = .closed(requestID: try members.string("requestId"))
        case "skipped": self = .skipped(requestID: try members.string("requestId"))
        case "rejected": self = .rejected(requestID: try members.string("requestId"))
        case "upgrade-required": self = .upgradeRequired(turn: try members.int("turn"))
        default: self = .unknown(subtype: subtype, value: value)
        }
    }

    /// The value of the record's header `control`.
    public var subtype: String {
        switch self {
        case .turnStart: "turn-start"
        case .recovered: "recovered"
        case .superseded: "superseded"
        case .checkpoint: "checkpoint"
        case .turnComplete: "turn-complete"
        case .actionComplete: "action-complete"
        case .duplicate: "duplicate"
        case .expired: "expired"
        case .closed: "closed"
        case .skipped: "skipped"
        case .rejected: "rejected"
        case .upgradeRequired: "upgrade-required"
        case .unknown(let subtype, _): subtype
        }
    }

    /// The subtypes of records that close a request: nothing more comes of it.
    public static let closingSubtypes: Set<String> = [
        "turn-complete", "action-complete", "duplicate", "expired", "closed", "skipped", "rejected",
    ]

    /// Whether a request has come to its end with it.
    public var closesRequest: Bool { Self.closingSubtypes.contains(subtype) }

    /// The record's value as a JSON object.
    public var json: JSON { encodedJSON }

    /// The record's value as compact JSON in UTF-8.
    public func serialized() -> [UInt8] { encodedBytes }
}

extension ControlRecord: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        switch self {
        case .turnStart(let turn, let run, let messageID):
            sink.member("turn", int: Int64(turn))
            sink.member("run", int: Int64(run))
            sink.member("messageId", string: messageID)
        case .recovered(let cause, let previousRun, let policy, let partial):
            sink.member("cause", string: cause)
            sink.member("previousRun", int: previousRun.map(Int64.init))
            sink.member("policy", string: policy)
            sink.member("partial", bool: partial)
        case .superseded(let fromSeq): sink.member("fromSeq", int: fromSeq)
        case .checkpoint(let value): value.encodeMembers(into: &sink)
        case .turnComplete(let value): value.encodeMembers(into: &sink)
        case .actionComplete(let outcome): sink.member("outcome", string: outcome)
        case .upgradeRequired(let turn): sink.member("turn", int: Int64(turn))
        case .duplicate(let requestID), .expired(let requestID), .closed(let requestID), .skipped(let requestID),
            .rejected(let requestID):
            sink.member("requestId", string: requestID)
        case .unknown(_, let value): sink.members(value.objectValue ?? JSONObject())
        }
    }
}
