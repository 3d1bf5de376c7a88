/// Something that a session must do next: the value of a record on the requests topic.
public struct Request: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// A user's message, or the slim assistant message that answers calls of tools.
        case message(Message)
        /// Answer the last message again.
        case regenerate
        /// Carry out an action of the application.
        case action(JSON)
        /// Warm the session: its first message will find it booted. No turn.
        case preload
        /// End the turn that is running.
        case stop(reason: String?)
        /// Take no more requests after this one.
        case close(reason: String?)
    }

    /// The most UTF-16 code units that an idempotency key may have.
    public static let maximumIdempotencyKeyLength = 2048

    /// The most bytes of UTF-8 that a request's id may have: it is a header of every event of its turn.
    public static let maximumIDLength = 1024

    public var kind: Kind
    /// The id that is echoed on every event of the turn; `nil` if the producer gave none.
    public var id: String?
    /// The client's data for the agent, untouched. `.null` if the producer sent null, `nil` if it sent nothing.
    public var data: JSON?
    public var idempotencyKey: String?
    /// A request first reached after this moment is not carried out.
    public var deadline: Timestamp?

    public init(
        kind: Kind, id: String? = nil, data: JSON? = nil, idempotencyKey: String? = nil, deadline: Timestamp? = nil
    ) {
        self.kind = kind
        self.id = id
        self.data = data
        self.idempotencyKey = idempotencyKey
        self.deadline = deadline
    }

    /// The value of the request's member `type`.
    public var type: String {
        switch kind {
        case .message: "message"
        case .regenerate: "regenerate"
        case .action: "action"
        case .preload: "preload"
        case .stop: "stop"
        case .close: "close"
        }
    }

    /// The request as a JSON object.
    public var json: JSON { encodedJSON }

    /// The request as a record's value: compact JSON in UTF-8.
    public func serialized() -> [UInt8] { encodedBytes }
}

extension Request: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("type", string: type)
        sink.member("id", string: id)
        switch kind {
        case .message(let message): sink.member("message", object: message)
        case .action(let action): sink.member("action", json: action)
        case .stop(let reason), .close(let reason): sink.member("reason", string: reason)
        case .regenerate, .preload: break
        }
        sink.member("data", json: data)
        sink.member("idempotencyKey", string: idempotencyKey)
        sink.member("deadline", string: deadline?.rfc3339)
    }
}
