public import Conversation
public import LanguageModels

extension ModelRequest {
    /// The latest call with this id in the prompt, with its result; `nil` if the model is shown none.
    public func call(_ id: String) -> ToolPart? {
        for message in [continuation].compactMap(\.self) + messages.reversed() {
            for case .tool(let call) in message.parts.reversed() where call.toolCallID == id { return call }
        }
        return nil
    }
}
