import Conversation

/// What stands for the beginning of a history in the prompts.
package struct ConversationSummary: Sendable, Hashable {
    package var text: String
    /// The last message that it stands for.
    package var through: String

    /// The message that the model is given.
    var message: Message {
        Message(id: "summary-\(through)", role: .system, parts: [.text(TextPart(text))])
    }
}
