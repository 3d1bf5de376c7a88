/// The result of a call: `tool-output-available`.
public struct ToolOutputAvailable: Sendable, Hashable {
    public var toolCallID: String
    public var output: JSON?
    /// Whether a later result will replace this one.
    public var preliminary: Bool?
    public var providerExecuted: Bool?
    public var dynamic: Bool?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        toolCallID: String, output: JSON? = nil, preliminary: Bool? = nil, providerExecuted: Bool? = nil,
        dynamic: Bool? = nil, providerMetadata: JSON? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.toolCallID = toolCallID
        self.output = output
        self.preliminary = preliminary
        self.providerExecuted = providerExecuted
        self.dynamic = dynamic
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        toolCallID = try members.string("toolCallId")
        output = members.json("output")
        preliminary = try members.optionalBool("preliminary")
        providerExecuted = try members.optionalBool("providerExecuted")
        dynamic = try members.optionalBool("dynamic")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("toolCallId", string: toolCallID)
        sink.member("output", json: output)
        sink.member("preliminary", bool: preliminary)
        sink.member("providerExecuted", bool: providerExecuted)
        sink.member("dynamic", bool: dynamic)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
