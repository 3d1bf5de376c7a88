import Conversation
import LanguageModels
import Telemetry
import Tracing

// What users and models say, as OpenTelemetry has it: `gen_ai.system_instructions`, `gen_ai.input.messages`,
// `gen_ai.output.messages`. Only where the service was told to.
extension Span {
    /// The prompt, with what the model is to go on with.
    func addTexts(of request: ModelRequest) {
        guard (self as? RecordedSpan)?.recordsTexts == true else { return }
        let messages = request.messages + [request.continuation].compactMap(\.self)
        updateAttributes { attributes in
            attributes["gen_ai.input.messages"] = MessageTexts.text(of: messages.map { ($0.role, $0.parts[...]) })
            guard let system = request.system else { return }
            var budget = MessageTexts.budget
            let part = MessageTexts.json("text", system, &budget)
            attributes["gen_ai.system_instructions"] = String(
                decoding: JSON.array([part].compactMap(\.self)).serialized(), as: UTF8.self)
        }
    }

    /// The answer, as far as it came.
    func addText(of said: () -> ArraySlice<Part>, _ finishReason: FinishReason?) {
        guard (self as? RecordedSpan)?.recordsTexts == true else { return }
        let parts = said()
        updateAttributes { attributes in
            attributes["gen_ai.output.messages"] = MessageTexts.text(
                of: [(.assistant, parts)], finishReason: finishReason)
        }
    }
}

/// Messages in the form that spans have them in, and no more of them than a span bears: the newest, as far as there is room.
enum MessageTexts {
    /// Bytes of one attribute, about.
    static let budget = 16 << 10

    static func text(
        of messages: [(role: Role, parts: ArraySlice<Part>)], finishReason: FinishReason? = nil
    ) -> String {
        var budget = budget
        var written: [JSON] = []
        for message in messages.reversed() {
            var parts: [JSON] = []
            for part in message.parts.reversed() where budget > 0 {
                if let json = json(part, &budget) { parts.append(json) }
            }
            guard !parts.isEmpty else { continue }
            var object: JSONObject = ["role": .string(message.role.rawValue), "parts": .array(parts.reversed())]
            if let finishReason { object["finish_reason"] = .string(finishReason.rawValue) }
            written.append(.object(object))
            if budget <= 0 { break }
        }
        return String(decoding: JSON.array(written.reversed()).serialized(), as: UTF8.self)
    }

    private static func json(_ part: Part, _ budget: inout Int) -> JSON? {
        switch part {
        case .text(let text): json("text", text.text, &budget)
        case .reasoning(let reasoning): json("reasoning", reasoning.text, &budget)
        case .tool(let call): json(call, &budget)
        default: nil
        }
    }

    /// A text that is too long for what room there is ends there.
    static func json(_ type: String, _ text: String, _ budget: inout Int) -> JSON? {
        guard !text.isEmpty, budget > 0 else { return nil }
        let kept = text.utf8.count <= budget ? text : String(decoding: text.utf8.prefix(budget), as: UTF8.self) + " …"
        budget -= kept.utf8.count
        return ["type": .string(type), "content": .string(kept)]
    }

    /// A call with its result; one that does not fit is left out but for its name.
    private static func json(_ call: ToolPart, _ budget: inout Int) -> JSON? {
        var object: JSONObject = [
            "type": "tool_call", "id": .string(call.toolCallID), "name": .string(call.toolName),
        ]
        for (name, value) in [("arguments", call.input), ("response", call.output)] {
            guard let value else { continue }
            let bytes = value.serialized().count
            guard bytes <= budget else { continue }
            budget -= bytes
            object[name] = value
        }
        return .object(object)
    }
}
