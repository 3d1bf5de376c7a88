/// Why a chunk does not fit the message that is being assembled. The message is as it was before.
public struct AssemblyError: Error, Hashable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public enum Reason: String, Sendable {
        /// More, or the end, of a text or reasoning part that is not open.
        case partNotOpen = "part_not_open"
        /// More of a call's input, and the call was not begun.
        case inputNotOpen = "input_not_open"
        /// Something about a call that is not in the message.
        case unknownToolCall = "unknown_tool_call"
        /// Something about a call that has come to its end.
        case toolCallSettled = "tool_call_settled"
        /// The beginning of another message.
        case otherMessage = "other_message"
    }

    public let reason: Reason
    /// The type of the chunk.
    public let chunkType: String
    /// The id in the chunk that does not fit.
    public let id: String

    /// A stable code.
    public var code: String { reason.rawValue }

    public var description: String {
        let problem =
            switch reason {
            case .partNotOpen: "no such part is open"
            case .inputNotOpen: "no such tool call is being written"
            case .unknownToolCall: "the message has no such tool call"
            case .toolCallSettled: "that tool call has come to its end"
            case .otherMessage: "another message was begun before"
            }
        return "The chunk \(chunkType) for \(id) does not fit: \(problem)."
    }
}
