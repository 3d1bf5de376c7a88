/// The question whether a call may be made: `tool-approval-request`.
public struct ToolApprovalRequest: Sendable, Hashable {
    public var approvalID: String
    public var toolCallID: String
    /// Members that this library does not know. Must hold no name that has a property here.
    public var unknown: JSONObject

    public init(approvalID: String, toolCallID: String, unknown: JSONObject = JSONObject()) {
        self.approvalID = approvalID
        self.toolCallID = toolCallID
        self.unknown = unknown
    }

    init(_ members: inout MemberReader) throws(ConversationError) {
        approvalID = try members.string("approvalId")
        toolCallID = try members.string("toolCallId")
        unknown = members.remaining
    }

    func encodeMembers(into sink: inout some MemberSink) {
        sink.member("approvalId", string: approvalID)
        sink.member("toolCallId", string: toolCallID)
        sink.members(unknown)
    }
}
