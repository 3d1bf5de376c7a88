/// A call of a tool that is complete and has no result yet.
public struct PendingToolCall: Sendable, Hashable {
    public let toolCallID: String
    public let toolName: String
    public let input: JSON?
    /// The part's index in the message that was asked, before any cleaning.
    public let partIndex: Int

    public init(toolCallID: String, toolName: String, input: JSON?, partIndex: Int) {
        self.toolCallID = toolCallID
        self.toolName = toolName
        self.input = input
        self.partIndex = partIndex
    }
}

extension Message {
    /// The calls that wait for a result: the tool parts in exactly `input-available` that have a call id, in order.
    ///
    /// Ask the raw partial answer: cleaning it removes exactly these parts.
    public var pendingToolCalls: [PendingToolCall] {
        parts.enumerated().compactMap { index, part in
            guard case .tool(let tool) = part, tool.state == .inputAvailable, !tool.toolCallID.isEmpty else {
                return nil
            }
            return PendingToolCall(
                toolCallID: tool.toolCallID, toolName: tool.toolName, input: tool.input, partIndex: index)
        }
    }
}
