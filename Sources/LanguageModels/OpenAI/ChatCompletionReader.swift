import Conversation

/// Reads the chunks of a chat completion, in all the shapes that real servers send; a whole completion too.
struct ChatCompletionReader: AnswerReader {
    private let host: String
    private var slots = ChatCallSlots()
    /// Why the answer ended, once the server has said so.
    private(set) var finishReason: FinishReason?
    private(set) var usage: Usage?
    /// Whether the server has said that nothing more comes.
    private(set) var isDone = false

    init(host: String) { self.host = host }

    /// Reads the data of one event.
    /// - Throws: ``ProviderFailure`` for an error in the stream, and for what is no chunk.
    mutating func read(_ data: [UInt8]) throws -> [AnswerPiece] {
        if data.elementsEqual("[DONE]".utf8) {
            isDone = true
            return []
        }
        guard let json = try? JSON(parsing: data), json.objectValue != nil else {
            throw ProviderFailure(
                error: ModelError(.disconnect, "The provider \(host) sent an event that is no chunk of an answer."))
        }
        if let error = json["error"], !error.isNull {
            throw ProviderFailure(reported: ReportedError(json), host: host)
        }
        if let usage = Usage(chatUsage: json["usage"]) { self.usage = usage }
        let choices = json["choices"]?.arrayValue ?? []
        guard let choice = choices.first(where: { ($0["index"]?.int ?? 0) == 0 }) else { return [] }
        if let usage = Usage(chatUsage: choice["usage"]) { self.usage = usage }
        let delta = choice["delta"] ?? choice["message"] ?? .null
        var pieces = Self.reasoning(of: delta) + Self.text(of: delta["content"]).filter { $0 != .text("") }
        for member in ["text", "refusal"] {
            let text = (member == "text" ? choice : delta)[member]?.stringValue ?? ""
            if !text.isEmpty { pieces.append(.text(text)) }
        }
        for call in delta["tool_calls"]?.arrayValue ?? [] { pieces += slots.pieces(of: call) }
        if let call = delta["function_call"], !call.isNull { pieces += slots.pieces(ofFunction: call) }
        if let reason = choice["finish_reason"]?.stringValue, !reason.isEmpty {
            if reason == "error" { throw ProviderFailure(reported: ReportedError(choice), host: host) }
            finishReason = Self.finishReason(reason)
        }
        return pieces
    }

    private static func finishReason(_ text: String) -> FinishReason {
        switch text {
        case "stop", "eos", "eos_token", "end_turn", "stop_sequence": .stop
        case "length", "max_tokens": .length
        case "tool_calls", "function_call": .toolCalls
        case "content_filter": .contentFilter
        default: .other
        }
    }

    /// There are two names for it; servers that send both say the same twice.
    private static func reasoning(of delta: JSON) -> [AnswerPiece] {
        for member in ["reasoning_content", "reasoning"] {
            if let text = delta[member]?.stringValue, !text.isEmpty { return [.reasoning(text)] }
        }
        return []
    }

    private static func text(of content: JSON?) -> [AnswerPiece] {
        if let text = content?.stringValue { return [.text(text)] }
        return (content?.arrayValue ?? []).flatMap { part -> [AnswerPiece] in
            if let thought = part["thinking"] {
                let texts = thought.arrayValue?.compactMap { $0["text"]?.stringValue } ?? []
                return [.reasoning(thought.stringValue ?? texts.joined())]
            }
            let text = part.stringValue ?? part["text"]?.stringValue ?? part["refusal"]?.stringValue
            return [.text(text ?? "")]
        }
    }
}

extension Usage {
    /// `nil` where there is none.
    fileprivate init?(chatUsage json: JSON?) {
        guard let json, json.objectValue != nil else { return nil }
        self.init(
            inputTokens: json["prompt_tokens"]?.int, outputTokens: json["completion_tokens"]?.int,
            totalTokens: json["total_tokens"]?.int)
    }
}
