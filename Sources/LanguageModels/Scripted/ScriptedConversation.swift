import Conversation

/// A request, seen as a question and what was answered so far.
struct ScriptedConversation {
    /// The last user message.
    let question: Message?
    /// Everything up to the question. What was answered to it is left out, whether it arrives among the messages
    /// (behind a tool's result) or as the continuation (behind an interruption): the same turn has the same prompt in
    /// every call.
    let prompt: ArraySlice<Message>
    /// The parts of the answer so far, in order.
    let answer: [Part]
    /// The words of the question and of what was answered so far. Not those of the history before it, so that a turn of
    /// a long conversation costs no more than one of a short one.
    let wordCount: Int

    init(_ request: ModelRequest) {
        let messages = request.messages
        let index = messages.lastIndex { $0.role == .user }
        question = index.map { messages[$0] }
        prompt = index.map { messages[...$0] } ?? messages[...]
        let begun = index.map { messages[($0 + 1)...].flatMap(\.parts) } ?? []
        answer = begun + (request.continuation?.parts ?? [])
        wordCount =
            Self.wordCount(in: request.continuation?.parts ?? [])
            + Self.wordCount(in: question?.parts ?? [])
    }

    private static func wordCount(in parts: [Part]) -> Int {
        parts.reduce(0) { count, part in
            if case .text(let part) = part { count + Words.count(in: part.text) } else { count }
        }
    }
}
