/// A call of a tool whose input has begun and is not complete.
public struct OpenToolInput: Sendable, Hashable {
    public let toolCallID: String
    public let toolName: String
    /// The part's index in the message.
    public let index: Int
    /// The input so far: the beginning of a JSON text.
    public let text: String

    public init(toolCallID: String, toolName: String, index: Int, text: String) {
        self.toolCallID = toolCallID
        self.toolName = toolName
        self.index = index
        self.text = text
    }
}
