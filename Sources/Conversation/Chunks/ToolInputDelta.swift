/// More of a call's input, as JSON text: `tool-input-delta`.
public struct ToolInputDelta: Sendable, Hashable {
    public var toolCallID: String
    public var inputTextDelta: String
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(toolCallID: String, inputTextDelta: String, unknown: JSONObject = JSONObject()) {
        self.toolCallID = toolCallID
        self.inputTextDelta = inputTextDelta
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        toolCallID = try members.string("toolCallId")
        inputTextDelta = try members.string("inputTextDelta")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("toolCallId", string: toolCallID)
        sink.member("inputTextDelta", string: inputTextDelta)
        sink.members(unknown)
    }
}
