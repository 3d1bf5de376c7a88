import Conversation
import LanguageModels
import Synchronization

/// An answer as a turn puts it together from a model's chunks, in the plainest way that could be right.
struct Answer {
    private(set) var message = Message(id: "answer", role: .assistant)
    /// The indices of the parts that this call has begun, by their ids.
    private var indices: [String: Int] = [:]
    private var isFirstOfCall = true
    /// What was wrong about the order of the chunks.
    private(set) var violations: [String] = []

    init(_ message: Message? = nil) {
        if let message { self.message = message }
    }

    /// Before the chunks of another call of the model.
    mutating func beginCall() {
        indices = [:]
        isFirstOfCall = true
    }

    mutating func apply(_ chunk: Chunk) {
        switch chunk {
        case .textStart(let start): begin(start.id, .text(TextPart("", state: .streaming)))
        case .reasoningStart(let start): begin(start.id, .reasoning(ReasoningPart("", state: .streaming)))
        case .textDelta(let delta), .reasoningDelta(let delta):
            change(delta.id) {
                $0 += delta.delta
            } state: {
                $0
            }
        case .textEnd(let end), .reasoningEnd(let end):
            change(end.id) { _ in
            } state: { _ in
                .done
            }
        case .toolInputStart(let start):
            set(ToolPart(toolCallID: start.toolCallID, toolName: start.toolName, state: .inputStreaming))
        case .toolInputDelta(let delta):
            let isBegun = message.parts.contains {
                if case .tool(let part) = $0 { part.toolCallID == delta.toolCallID } else { false }
            }
            if !isBegun { violations.append("\(delta.toolCallID) goes on without a beginning") }
        case .toolInputAvailable(let call):
            set(
                ToolPart(
                    toolCallID: call.toolCallID, toolName: call.toolName, state: .inputAvailable, input: call.input))
        default: violations.append("unexpected \(chunk)")
        }
        isFirstOfCall = false
    }

    /// Gives every call that has no result one.
    mutating func settleCalls() {
        for index in message.parts.indices {
            guard case .tool(var part) = message.parts[index], part.state == .inputAvailable else { continue }
            part.state = .outputAvailable
            part.output = "done"
            message.parts[index] = .tool(part)
        }
    }

    /// As the cleanup of a partial answer leaves it: nothing streams, no call is without its result.
    mutating func repair() {
        message.parts = message.parts.compactMap { part in
            switch part {
            case .text(var part):
                part.state = .done
                return .text(part)
            case .reasoning(var part):
                part.state = .done
                return .reasoning(part)
            case .tool(let part) where !part.isSettled: return nil
            default: return part
            }
        }
    }

    private mutating func begin(_ id: String, _ part: Part) {
        if indices[id] != nil { violations.append("\(id) begins twice") }
        if isFirstOfCall, let last = message.parts.indices.last, isOpen(message.parts[last], like: part) {
            indices[id] = last
            return
        }
        if let last = message.parts.last, isOpen(last, like: last) { violations.append("\(id) begins in an open part") }
        indices[id] = message.parts.count
        message.parts.append(part)
    }

    private func isOpen(_ part: Part, like other: Part) -> Bool {
        switch (part, other) {
        case (.text(let part), .text): part.state == .streaming
        case (.reasoning(let part), .reasoning): part.state == .streaming
        default: false
        }
    }

    private mutating func change(
        _ id: String, _ text: (inout String) -> Void, state: (StreamingState?) -> StreamingState?
    ) {
        guard let index = indices[id] else {
            violations.append("\(id) goes on without a beginning")
            return
        }
        switch message.parts[index] {
        case .text(var part):
            text(&part.text)
            part.state = state(part.state)
            message.parts[index] = .text(part)
        case .reasoning(var part):
            text(&part.text)
            part.state = state(part.state)
            message.parts[index] = .reasoning(part)
        default: violations.append("\(id) is no part of words")
        }
    }

    private mutating func set(_ call: ToolPart) {
        let index = message.parts.firstIndex {
            if case .tool(let part) = $0 { part.toolCallID == call.toolCallID } else { false }
        }
        if let index { message.parts[index] = .tool(call) } else { message.parts.append(.tool(call)) }
    }
}

/// What one call of a model gave.
struct Call {
    var chunks: [Chunk]
    var response: ModelResponse
}

extension LanguageModel {
    /// Asks the model and keeps its chunks.
    func call(_ request: ModelRequest) async throws -> Call {
        let chunks = Collected()
        let response = try await generate(request) { chunk in chunks.append(chunk) }
        return Call(chunks: chunks.all, response: response)
    }

    /// Asks the model a single question.
    func call(_ text: String, continuation: Message? = nil, run: Int = 1) async throws -> Call {
        try await call(
            ModelRequest(messages: [.user(id: "q", text: text)], continuation: continuation, run: run))
    }

    /// The whole answer, every tool call settled at once.
    func answer(to messages: [Message]) async throws -> Answer {
        var answer = Answer()
        while true {
            let isFresh = answer.message.parts.isEmpty
            let call = try await call(
                ModelRequest(messages: messages, continuation: isFresh ? nil : answer.message))
            answer.beginCall()
            call.chunks.forEach { answer.apply($0) }
            answer.settleCalls()
            if call.response.finishReason != .toolCalls { return answer }
        }
    }
}

/// Chunks from a closure that may run anywhere.
final class Collected: Sendable {
    private let chunks = Mutex<[Chunk]>([])

    var all: [Chunk] { chunks.withLock { $0 } }

    func append(_ chunk: Chunk) { chunks.withLock { $0.append(chunk) } }
}
