/// What somebody outside says of a call of a tool.
public enum ToolAnswer: Sendable, Hashable {
    case output(callID: String, JSON)
    case error(callID: String, String)
    case approval(callID: String, isGranted: Bool, reason: String? = nil)
}

extension Message {
    /// The slim assistant's message that carries answers to calls.
    ///
    /// It names neither the stored message nor the tool: who takes it up knows both by the call.
    /// - Parameter id: an id of its own; empty to be given one.
    public static func toolAnswer(_ answers: ToolAnswer..., id: String = "") -> Message {
        Message(id: id, role: .assistant, parts: answers.map { .tool($0.part) })
    }
}

extension ToolApproval {
    /// The id under which the service asks whether a call may be made.
    public static func id(ofCall callID: String) -> String { "approval-\(callID)" }
}

extension ToolAnswer {
    private static let unnamed = "unnamed"

    fileprivate var part: ToolPart {
        switch self {
        case .output(let id, let output):
            ToolPart(toolCallID: id, toolName: Self.unnamed, isDynamic: true, state: .outputAvailable, output: output)
        case .error(let id, let text):
            ToolPart(toolCallID: id, toolName: Self.unnamed, isDynamic: true, state: .outputError, errorText: text)
        case .approval(let id, let isGranted, let reason):
            ToolPart(
                toolCallID: id, toolName: Self.unnamed, isDynamic: true, state: .approvalResponded,
                approval: ToolApproval(id: ToolApproval.id(ofCall: id), approved: isGranted, reason: reason))
        }
    }
}
