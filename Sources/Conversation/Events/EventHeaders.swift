/// What an event's key and headers say, without a look at its value.
public struct EventHeaders: Sendable, Hashable {
    public var session: String
    /// The event's place among all events of its session, from 1.
    public var seq: Int64
    /// `nil`, as ``run``, on events that belong to no turn.
    public var turn: Int?
    public var run: Int?
    public var requestID: String?
    public var requestOffset: Int64?
    public var traceparent: String?
    /// The subtype, on control records only.
    public var control: String?

    public init(
        session: String, seq: Int64, turn: Int? = nil, run: Int? = nil, requestID: String? = nil,
        requestOffset: Int64? = nil, traceparent: String? = nil, control: String? = nil
    ) {
        self.session = session
        self.seq = seq
        self.turn = turn
        self.run = run
        self.requestID = requestID
        self.requestOffset = requestOffset
        self.traceparent = traceparent
        self.control = control
    }

    /// Reads a record's key and headers. Of headers with the same name the last counts; headers that are not known are
    /// ignored. Throws if the key or `seq` is missing, or anything is malformed.
    public init(key: [UInt8]?, headers: [(String, [UInt8]?)]) throws(ConversationError) {
        guard let key else { throw ConversationError(.invalidHeader, "key", "is missing") }
        session = try Self.text(key, "key")
        var seq: Int64?
        for (name, value) in headers {
            switch name {
            case Name.seq: seq = try Self.decimal(value, name, from: 1)
            case Name.turn: turn = try Self.int(value, name, from: 0)
            case Name.run: run = try Self.int(value, name, from: 1)
            case Name.requestID: requestID = try Self.text(value, name)
            case Name.requestOffset: requestOffset = try Self.decimal(value, name, from: 0)
            case Name.traceparent: traceparent = try Self.text(value, name)
            case Name.control: control = try Self.text(value, name)
            default: continue
            }
        }
        guard let seq else { throw ConversationError(.invalidHeader, "header seq", "is missing") }
        self.seq = seq
    }

    /// The headers as they are written, in a fixed order.
    public var encoded: [(name: String, value: [UInt8])] {
        var headers: [(name: String, value: [UInt8])] = []
        headers.reserveCapacity(7)
        func add(_ name: String, _ value: String?) {
            if let value { headers.append((name, Array(value.utf8))) }
        }
        add(Name.seq, String(seq))
        add(Name.turn, turn.map { String($0) })
        add(Name.run, run.map { String($0) })
        add(Name.control, control)
        add(Name.requestID, requestID)
        add(Name.requestOffset, requestOffset.map { String($0) })
        add(Name.traceparent, traceparent)
        return headers
    }

    private enum Name {
        static let seq = "seq"
        static let turn = "turn"
        static let run = "run"
        static let control = "control"
        static let requestID = "request-id"
        static let requestOffset = "request-offset"
        static let traceparent = "traceparent"
    }

    private static func text(_ bytes: [UInt8]?, _ name: String) throws(ConversationError) -> String {
        guard let bytes, let text = String(validating: bytes, as: UTF8.self) else {
            throw ConversationError(.invalidHeader, name == "key" ? name : "header \(name)", "must be UTF-8")
        }
        return text
    }

    private static func decimal(
        _ bytes: [UInt8]?, _ name: String, from minimum: Int64
    ) throws(ConversationError) -> Int64 {
        guard let bytes, let value = decimal(bytes), value >= minimum else {
            throw ConversationError(.invalidHeader, "header \(name)", "must be a decimal number from \(minimum)")
        }
        return value
    }

    private static func int(_ bytes: [UInt8]?, _ name: String, from minimum: Int64) throws(ConversationError) -> Int {
        let value = try decimal(bytes, name, from: minimum)
        guard let value = Int(exactly: value) else {
            throw ConversationError(.invalidHeader, "header \(name)", "is too large")
        }
        return value
    }

    private static func decimal(_ bytes: [UInt8]) -> Int64? {
        guard !bytes.isEmpty else { return nil }
        var value: Int64 = 0
        for byte in bytes {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            let (shifted, tooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, stillTooLarge) = shifted.addingReportingOverflow(Int64(byte - UInt8(ascii: "0")))
            guard !tooLarge, !stillTooLarge else { return nil }
            value = sum
        }
        return value
    }
}
