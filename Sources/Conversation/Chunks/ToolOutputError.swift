/// The failure of a call: `tool-output-error`.
public struct ToolOutputError: Sendable, Hashable {
    public var toolCallID: String
    public var errorText: String
    public var providerExecuted: Bool?
    public var dynamic: Bool?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        toolCallID: String, errorText: String, providerExecuted: Bool? = nil, dynamic: Bool? = nil,
        providerMetadata: JSON? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.toolCallID = toolCallID
        self.errorText = errorText
        self.providerExecuted = providerExecuted
        self.dynamic = dynamic
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        toolCallID = try members.string("toolCallId")
        errorText = try members.string("errorText")
        providerExecuted = try members.optionalBool("providerExecuted")
        dynamic = try members.optionalBool("dynamic")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("toolCallId", string: toolCallID)
        sink.member("errorText", string: errorText)
        sink.member("providerExecuted", bool: providerExecuted)
        sink.member("dynamic", bool: dynamic)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
