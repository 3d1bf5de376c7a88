/// A complete call of a tool, announced before or not: `tool-input-available`.
public struct ToolInputAvailable: Sendable, Hashable {
    public var toolCallID: String
    public var toolName: String
    public var input: JSON?
    public var providerExecuted: Bool?
    /// Whether the tool was not known beforehand, so that the part is a `dynamic-tool`.
    public var dynamic: Bool?
    public var title: String?
    public var providerMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        toolCallID: String, toolName: String, input: JSON? = nil, providerExecuted: Bool? = nil,
        dynamic: Bool? = nil, title: String? = nil, providerMetadata: JSON? = nil,
        unknown: JSONObject = JSONObject()
    ) {
        self.toolCallID = toolCallID
        self.toolName = toolName
        self.input = input
        self.providerExecuted = providerExecuted
        self.dynamic = dynamic
        self.title = title
        self.providerMetadata = providerMetadata
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        toolCallID = try members.string("toolCallId")
        toolName = try members.string("toolName")
        input = members.json("input")
        providerExecuted = try members.optionalBool("providerExecuted")
        dynamic = try members.optionalBool("dynamic")
        title = try members.optionalString("title")
        providerMetadata = members.json("providerMetadata")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("toolCallId", string: toolCallID)
        sink.member("toolName", string: toolName)
        sink.member("input", json: input)
        sink.member("providerExecuted", bool: providerExecuted)
        sink.member("dynamic", bool: dynamic)
        sink.member("title", string: title)
        sink.member("providerMetadata", json: providerMetadata)
        sink.members(unknown)
    }
}
