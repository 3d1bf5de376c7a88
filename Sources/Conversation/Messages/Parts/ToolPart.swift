/// A call of a tool and what came of it.
public struct ToolPart: Sendable, Hashable {
    public var toolCallID: String
    public var toolName: String
    /// Whether the part's type is `dynamic-tool` (the tool was not known beforehand) rather than `tool-NAME`.
    public var isDynamic: Bool
    public var state: ToolState
    public var input: JSON?
    /// The input of a call that was malformed, as the model wrote it.
    public var rawInput: JSON?
    public var output: JSON?
    public var errorText: String?
    public var approval: ToolApproval?
    /// Whether the output will be replaced by a later one.
    public var preliminary: Bool?
    public var providerExecuted: Bool?
    public var title: String?
    public var callProviderMetadata: JSON?
    public var resultProviderMetadata: JSON?
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(
        toolCallID: String, toolName: String, isDynamic: Bool = false, state: ToolState, input: JSON? = nil,
        rawInput: JSON? = nil, output: JSON? = nil, errorText: String? = nil, approval: ToolApproval? = nil,
        preliminary: Bool? = nil, providerExecuted: Bool? = nil, title: String? = nil,
        callProviderMetadata: JSON? = nil, resultProviderMetadata: JSON? = nil, unknown: JSONObject = JSONObject()
    ) {
        self.toolCallID = toolCallID
        self.toolName = toolName
        self.isDynamic = isDynamic
        self.state = state
        self.input = input
        self.rawInput = rawInput
        self.output = output
        self.errorText = errorText
        self.approval = approval
        self.preliminary = preliminary
        self.providerExecuted = providerExecuted
        self.title = title
        self.callProviderMetadata = callProviderMetadata
        self.resultProviderMetadata = resultProviderMetadata
        self.unknown = unknown
    }

    /// Whether the call has its final result, error or refusal.
    public var isSettled: Bool {
        state.isTerminal && !(state == .outputAvailable && preliminary == true)
    }

    init(_ members: inout MemberReader, toolName: String, isDynamic: Bool) throws(ConversationError) {
        self.toolName = toolName
        self.isDynamic = isDynamic
        toolCallID = try members.string("toolCallId")
        state = try members.oneOf("state", ToolState.self)
        input = members.json("input")
        rawInput = members.json("rawInput")
        output = members.json("output")
        errorText = try members.optionalString("errorText")
        approval = nil
        if let value = members.json("approval"), !value.isNull {
            do {
                approval = try ToolApproval(json: value)
            } catch {
                throw error.within("approval")
            }
        }
        preliminary = try members.optionalBool("preliminary")
        providerExecuted = try members.optionalBool("providerExecuted")
        title = try members.optionalString("title")
        callProviderMetadata = members.json("callProviderMetadata")
        resultProviderMetadata = members.json("resultProviderMetadata")
        unknown = members.remaining
    }
}

extension ToolPart: ObjectEncodable {
    func encodeMembers(into sink: inout some MemberSink) {
        if isDynamic {
            sink.member("type", literal: "dynamic-tool")
            sink.member("toolName", string: toolName)
        } else {
            sink.member("type", string: "tool-" + toolName)
        }
        sink.member("toolCallId", string: toolCallID)
        sink.member("state", string: state.rawValue)
        sink.member("title", string: title)
        sink.member("input", json: input)
        sink.member("rawInput", json: rawInput)
        sink.member("output", json: output)
        sink.member("errorText", string: errorText)
        sink.member("approval", object: approval)
        sink.member("preliminary", bool: preliminary)
        sink.member("providerExecuted", bool: providerExecuted)
        sink.member("callProviderMetadata", json: callProviderMetadata)
        sink.member("resultProviderMetadata", json: resultProviderMetadata)
        sink.members(unknown)
    }
}
