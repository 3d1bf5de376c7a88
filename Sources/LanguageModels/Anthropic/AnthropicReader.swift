import Conversation

/// Reads the events of the messages API; a whole message too.
struct AnthropicReader: AnswerReader {
    private enum Block {
        case text
        case thinking(signature: String)
        case call
        case other
    }

    private let host: String
    private var blocks: [Int: Block] = [:]
    private var inputTokens: Int?
    private var outputTokens: Int?
    /// Why the answer ended, once the provider has said so.
    private(set) var finishReason: FinishReason?
    /// Whether the provider has said that nothing more comes.
    private(set) var isDone = false

    init(host: String) { self.host = host }

    var usage: Usage? {
        guard inputTokens != nil || outputTokens != nil else { return nil }
        let total = inputTokens.flatMap { input in outputTokens.map { input + $0 } }
        return Usage(inputTokens: inputTokens, outputTokens: outputTokens, totalTokens: total)
    }

    /// Reads the data of one event. Events of kinds that are not known are passed over.
    /// - Throws: ``ProviderFailure`` for an error in the stream, and for what is no event.
    mutating func read(_ data: [UInt8]) throws -> [AnswerPiece] {
        guard let json = try? JSON(parsing: data), let type = json["type"]?.stringValue else { throw malformed }
        switch type {
        case "message_start": note(json["message"]?["usage"])
        case "content_block_start":
            guard let index = json["index"]?.int, let block = json["content_block"] else { throw malformed }
            return begin(block, at: index)
        case "content_block_delta":
            guard let index = json["index"]?.int, let delta = json["delta"] else { throw malformed }
            return more(delta, at: index)
        case "content_block_stop":
            guard let index = json["index"]?.int else { throw malformed }
            return end(at: index)
        case "message_delta":
            note(json["usage"])
            end(json["delta"]?["stop_reason"])
        case "message_stop": isDone = true
        case "message":
            note(json["usage"])
            end(json["stop_reason"])
            isDone = true
            return (json["content"]?.arrayValue ?? []).enumerated().flatMap { index, block in
                begin(block, at: index) + end(at: index)
            }
        case "error": throw ProviderFailure(reported: ReportedError(json), host: host)
        default: break
        }
        return []
    }

    private var malformed: ProviderFailure {
        ProviderFailure(
            error: ModelError(.disconnect, "The provider \(host) sent an event that is no part of an answer."))
    }

    private mutating func begin(_ block: JSON, at index: Int) -> [AnswerPiece] {
        switch block["type"]?.stringValue {
        case "text":
            blocks[index] = .text
            return Self.text(block["text"])
        case "thinking":
            blocks[index] = .thinking(signature: block["signature"]?.stringValue ?? "")
            return Self.reasoning(block["thinking"])
        case "redacted_thinking":
            blocks[index] = .other
            return [.reasoningEnd(metadata: ["anthropic": ["redactedData": block["data"] ?? ""]])]
        case "tool_use":
            blocks[index] = .call
            let begin = AnswerPiece.call(
                slot: index, id: block["id"]?.stringValue, name: block["name"]?.stringValue)
            // In a stream it is empty here, and comes in pieces.
            guard let input = block["input"], input.objectValue?.isEmpty == false else { return [begin] }
            return [begin, .callInput(slot: index, input)]
        default:
            blocks[index] = .other
            return []
        }
    }

    private mutating func more(_ delta: JSON, at index: Int) -> [AnswerPiece] {
        switch (delta["type"]?.stringValue, blocks[index]) {
        case ("text_delta", .text): return Self.text(delta["text"])
        case ("thinking_delta", .thinking): return Self.reasoning(delta["thinking"])
        case ("signature_delta", .thinking(let signature)):
            blocks[index] = .thinking(signature: signature + (delta["signature"]?.stringValue ?? ""))
            return []
        case ("input_json_delta", .call):
            return [.call(slot: index, input: delta["partial_json"]?.stringValue ?? "")]
        default: return []
        }
    }

    private mutating func end(at index: Int) -> [AnswerPiece] {
        switch blocks.removeValue(forKey: index) {
        case .text: return [.textEnd]
        case .thinking(let signature):
            return [
                .reasoningEnd(
                    metadata: signature.isEmpty ? nil : ["anthropic": ["signature": .string(signature)]])
            ]
        case .call: return [.callEnd(slot: index)]
        case .other, nil: return []
        }
    }

    private mutating func end(_ reason: JSON?) {
        guard let reason = reason?.stringValue else { return }
        finishReason =
            switch reason {
            case "end_turn", "stop_sequence", "pause_turn": .stop
            case "max_tokens", "model_context_window_exceeded": .length
            case "tool_use": .toolCalls
            case "refusal": .contentFilter
            default: .other
            }
    }

    /// Counts are totals so far; what was read from and written to the cache counts apart there, and is input all the
    /// same.
    private mutating func note(_ usage: JSON?) {
        guard let usage, usage.objectValue != nil else { return }
        let input = ["input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"].compactMap {
            usage[$0]?.int
        }
        if usage["input_tokens"]?.int != nil { inputTokens = input.reduce(0, +) }
        if let count = usage["output_tokens"]?.int { outputTokens = count }
    }

    private static func text(_ text: JSON?) -> [AnswerPiece] {
        text?.stringValue.map { $0.isEmpty ? [] : [.text($0)] } ?? []
    }

    private static func reasoning(_ text: JSON?) -> [AnswerPiece] {
        text?.stringValue.map { $0.isEmpty ? [] : [.reasoning($0)] } ?? []
    }
}
