/// One message of a conversation, in the shape of the AI SDK's UI message (version 5 and 6).
///
/// Members and part types that this library does not know survive a round trip.
public struct Message: Sendable, Hashable {
    /// The message's id. Empty for a message that was never given one.
    public var id: String
    public var role: Role
    /// Whatever the application attached.
    public var metadata: JSON?
    public var parts: [Part]
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        id: String, role: Role, metadata: JSON? = nil, parts: [Part] = [], unknown: JSONObject = JSONObject()
    ) {
        self.id = id
        self.role = role
        self.metadata = metadata
        self.parts = parts
        self.unknown = unknown
    }

    /// A user's message of one text part.
    public static func user(id: String, text: String) -> Message {
        Message(id: id, role: .user, parts: [.text(TextPart(text))])
    }

    /// Whether there is anything besides the boundaries between steps.
    public var hasContent: Bool {
        parts.contains { if case .stepStart = $0 { false } else { true } }
    }

    /// The text parts, joined with nothing in between. Reasoning is not included.
    public var text: String {
        parts.reduce(into: "") { text, part in
            if case .text(let part) = part { text += part.text }
        }
    }
}

extension Message {
    /// Reads a message. Known members must have their type; the error names the path of the one that has not.
    public init(json: JSON) throws(ConversationError) {
        var members = try MemberReader(json)
        try self.init(&members)
    }

    /// Reads a message from JSON in UTF-8. Throws as ``init(json:)`` does.
    public init(parsing bytes: [UInt8]) throws(ConversationError) {
        var members = try MemberReader(parsing: bytes)
        try self.init(&members)
    }

    private init(_ members: inout MemberReader) throws(ConversationError) {
        id = try members.string("id")
        role = try members.oneOf("role", Role.self)
        metadata = members.json("metadata")
        guard case .array(let values) = try members.requiredJSON("parts") else {
            throw ConversationError(.invalidMember, "parts", "must be an array")
        }
        parts = []
        parts.reserveCapacity(values.count)
        for (index, value) in values.enumerated() {
            do {
                parts.append(try Part(json: value))
            } catch {
                throw error.within("parts[\(index)]")
            }
        }
        unknown = members.remaining
    }

    /// The message as a JSON object.
    public var json: JSON { encodedJSON }

    /// The message as compact JSON in UTF-8.
    public func serialized() -> [UInt8] { encodedBytes }

    /// Writes the message as one JSON object.
    public func write(into writer: inout JSONWriter) { encodeObject(into: &writer) }
}

extension Message: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("id", string: id)
        sink.member("role", string: role.rawValue)
        sink.member("metadata", json: metadata)
        sink.member("parts", objects: parts)
        sink.members(unknown)
    }
}
