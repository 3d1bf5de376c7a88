/// What came of a call of a tool.
public struct ToolResult: Sendable, Hashable {
    public let toolCallID: String
    public let toolName: String
    /// The output; `nil` if the call failed.
    public let output: JSON?
    /// Why the call failed; `nil` if it did not.
    public let errorText: String?

    public init(toolCallID: String, toolName: String, output: JSON?, errorText: String?) {
        self.toolCallID = toolCallID
        self.toolName = toolName
        self.output = output
        self.errorText = errorText
    }

    /// What came of this call; `nil` if nothing has yet, or if it was refused.
    init?(_ tool: ToolPart) {
        guard tool.isSettled, !tool.toolCallID.isEmpty else { return nil }
        switch tool.state {
        case .outputAvailable: output = tool.output
        case .outputError: output = nil
        default: return nil
        }
        errorText = tool.state == .outputError ? tool.errorText ?? "" : nil
        toolCallID = tool.toolCallID
        toolName = tool.toolName
    }
}
