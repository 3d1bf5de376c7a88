/// One record of the events topic.
public struct Event: Sendable, Hashable {
    public enum Body: Sendable, Hashable {
        case chunk(Chunk)
        case control(ControlRecord)
    }

    public var session: String
    /// The event's place among all events of its session, from 1.
    public var seq: Int64
    /// `nil`, as ``run``, on events that belong to no turn.
    public var turn: Int?
    public var run: Int?
    public var requestID: String?
    public var requestOffset: Int64?
    public var traceparent: String?
    public var body: Body

    public init(
        session: String, seq: Int64, turn: Int? = nil, run: Int? = nil, requestID: String? = nil,
        requestOffset: Int64? = nil, traceparent: String? = nil, body: Body
    ) {
        self.session = session
        self.seq = seq
        self.turn = turn
        self.run = run
        self.requestID = requestID
        self.requestOffset = requestOffset
        self.traceparent = traceparent
        self.body = body
    }

    /// Reads a record. Throws, naming the header or member, if it is none of the project's events.
    public init(
        key: [UInt8]?, value: [UInt8]?, headers: [(String, [UInt8]?)]
    ) throws(ConversationError) {
        try self.init(head: try EventHeaders(key: key, headers: headers), value: value)
    }

    /// Reads a record whose headers were read before.
    public init(head: EventHeaders, value: [UInt8]?) throws(ConversationError) {
        guard let value else { throw ConversationError(.missingMember, "", "is missing") }
        let body: Body
        if let subtype = head.control {
            let members = try MemberReader(parsing: value)
            body = .control(try ControlRecord(subtype: subtype, value: .object(members.remaining)))
        } else {
            body = .chunk(try Chunk(parsing: value))
        }
        self.init(
            session: head.session, seq: head.seq, turn: head.turn, run: head.run, requestID: head.requestID,
            requestOffset: head.requestOffset, traceparent: head.traceparent, body: body)
    }

    /// The key's and headers' content.
    public var head: EventHeaders {
        var control: String?
        if case .control(let record) = body { control = record.subtype }
        return EventHeaders(
            session: session, seq: seq, turn: turn, run: run, requestID: requestID, requestOffset: requestOffset,
            traceparent: traceparent, control: control)
    }

    /// The record's headers, in a fixed order. The record's key is ``session`` in UTF-8.
    public var headers: [(name: String, value: [UInt8])] { head.encoded }

    /// The record's value: compact JSON in UTF-8.
    public var valueBytes: [UInt8] {
        switch body {
        case .chunk(let chunk): chunk.serialized()
        case .control(let record): record.serialized()
        }
    }
}
