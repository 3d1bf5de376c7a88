/// Which call of which message is meant.
public struct ToolCallReference: Sendable, Hashable {
    public let toolCallID: String
    public let toolName: String
    /// The message that holds the call.
    public let messageID: String

    public init(toolCallID: String, toolName: String, messageID: String) {
        self.toolCallID = toolCallID
        self.toolName = toolName
        self.messageID = messageID
    }
}
