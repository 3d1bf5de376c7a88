import Conversation
import LanguageModels

/// A model that calls the tools that the user's text names: the calls of a step side by side as `NAME:ID`, the steps
/// apart by `;`. Then it says what it heard of every call in its prompt, word by word.
///
/// It knows how far it came by the prompt alone, so that it goes on with a dead run's answer where that stopped.
struct CallingModel: LanguageModel {
    struct Call: Sendable {
        var name: String
        var id: String
        var input: JSON
    }

    let name = "calling"
    var input: @Sendable (String) -> JSON = { ["id": .string($0)] }

    func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let index = request.messages.lastIndex { $0.role == .user } ?? 0
        let begun = request.messages.dropFirst(index + 1).flatMap(\.parts) + (request.continuation?.parts ?? [])
        let shown = Set(begun.compactMap(\.call).map(\.toolCallID))
        let steps = steps(of: request.messages.dropFirst(index).first?.text ?? "")
        let next = steps.firstIndex { step in step.allSatisfy { !shown.contains($0.id) } }
        try await say(next.map { "calling in step \($0)" } ?? Self.heard(request), begun, emit)
        guard let next else { return ModelResponse(finishReason: .stop) }
        for call in steps[next] {
            try await emit(.toolInputStart(toolCallID: call.id, toolName: call.name))
            try await emit(.toolInputAvailable(toolCallID: call.id, toolName: call.name, input: call.input))
        }
        return ModelResponse(finishReason: .toolCalls)
    }

    private func steps(of text: String) -> [[Call]] {
        text.split(separator: ";").map { step in
            step.split(separator: " ").compactMap { word in
                let pieces = word.split(separator: ":").map(String.init)
                return pieces.count == 2 ? Call(name: pieces[0], id: pieces[1], input: input(pieces[1])) : nil
            }
        }
        .filter { !$0.isEmpty }
    }

    private func say(_ text: String, _ begun: [Part], _ emit: @Sendable (Chunk) async throws -> Void) async throws {
        var rest = text
        if case .text(let part)? = begun.last {
            if part.state == .streaming, text.hasPrefix(part.text) { rest.removeFirst(part.text.count) }
            if part.state == .done, part.text == text { return }
        }
        try await emit(.textStart(id: "t"))
        for word in rest.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            let delta = (word.offset > 0 ? " " : "") + word.element
            if !delta.isEmpty { try await emit(.textDelta(id: "t", delta: delta)) }
        }
        try await emit(.textEnd(id: "t"))
    }

    /// What the prompt says of each call.
    static func heard(_ request: ModelRequest) -> String {
        let parts = request.messages.flatMap(\.parts) + (request.continuation?.parts ?? [])
        return (["heard"] + parts.compactMap(\.call).map(\.outcome)).joined(separator: " ")
    }
}

extension Part {
    var call: ToolPart? {
        if case .tool(let call) = self { call } else { nil }
    }
}

extension ToolPart {
    /// The call's id and what came of it.
    var outcome: String {
        switch state {
        case .outputAvailable: "\(toolCallID)=\(output?.serializedString ?? "")\(preliminary == true ? "?" : "")"
        case .outputError: "\(toolCallID)!\(errorText ?? "")"
        default: "\(toolCallID) \(state.rawValue)"
        }
    }
}

extension Message {
    var calls: [ToolPart] { parts.compactMap(\.call) }

    func call(_ id: String) -> ToolPart? { calls.last { $0.toolCallID == id } }
}
