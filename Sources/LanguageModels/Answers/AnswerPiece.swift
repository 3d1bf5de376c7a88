import Conversation

/// What an answer's stream says next, in words that all providers share.
enum AnswerPiece: Sendable, Hashable {
    case text(String)
    case reasoning(String)
    /// A reasoning part ends, perhaps with what the provider wants to have back with it. Without a part that is open, it
    /// is one without words.
    case reasoningEnd(metadata: JSON?)
    /// A text part ends.
    case textEnd
    /// More of the call in that slot: its id and name as soon as they are known, its input as it is written.
    case call(slot: Int, id: String? = nil, name: String? = nil, input: String = "")
    /// The whole input of a call.
    case callInput(slot: Int, JSON)
    /// A call is complete.
    case callEnd(slot: Int)
}
