public import Conversation

/// What a ``StubModel`` answers: chunks, and how they end. A string literal is a text, streamed word by word.
public struct StubAnswer: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The chunks of one step of the model: text, reasoning, calls of tools, sources, data.
    public var chunks: [Chunk]
    /// Why the model stops.
    public var finishReason: FinishReason
    /// What the call cost.
    public var usage: Usage?

    /// Makes an answer of chunks.
    public init(_ chunks: [Chunk], finishReason: FinishReason = .stop, usage: Usage? = nil) {
        self.chunks = chunks
        self.finishReason = finishReason
        self.usage = usage
    }

    public init(stringLiteral text: String) {
        self = .text(text)
    }

    /// An answer that says `text`, one chunk for each word.
    public static func text(_ text: String) -> StubAnswer {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        let deltas = words.enumerated().map { Chunk.textDelta(id: "text", delta: ($0 == 0 ? "" : " ") + $1) }
        return StubAnswer([.textStart(id: "text")] + deltas + [.textEnd(id: "text")])
    }

    /// An answer that calls a tool once for each of `inputs`, all at once. The calls' ids are `call-1`, `call-2` and so
    /// on.
    public static func toolCalls(_ name: String, _ inputs: [JSON]) -> StubAnswer {
        let calls = inputs.enumerated().map { index, input in
            Chunk.toolInputAvailable(toolCallID: "call-\(index + 1)", toolName: name, input: input)
        }
        return StubAnswer(calls, finishReason: .toolCalls)
    }

    /// What is left to be said of the answer after `unfinished`, if that is how it begins; otherwise all of it.
    func continuing(_ unfinished: Message?) -> StubAnswer {
        guard case .text(let said) = unfinished?.parts.last, !said.text.isEmpty else { return self }
        var left = Substring(said.text)
        var rest: [Chunk] = []
        for chunk in chunks {
            guard case .textDelta(var delta) = chunk, !left.isEmpty else {
                rest.append(chunk)
                continue
            }
            if left.hasPrefix(delta.delta) {
                left.removeFirst(delta.delta.count)
            } else if delta.delta.hasPrefix(left) {
                delta.delta.removeFirst(left.count)
                left = ""
                rest.append(.textDelta(delta))
            } else {
                return self
            }
        }
        var answer = self
        answer.chunks = rest
        return left.isEmpty ? answer : self
    }
}
