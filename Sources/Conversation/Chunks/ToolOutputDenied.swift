/// The call was refused: `tool-output-denied`.
public struct ToolOutputDenied: Sendable, Hashable {
    public var toolCallID: String
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(toolCallID: String, unknown: JSONObject = JSONObject()) {
        self.toolCallID = toolCallID
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        toolCallID = try members.string("toolCallId")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("toolCallId", string: toolCallID)
        sink.members(unknown)
    }
}
