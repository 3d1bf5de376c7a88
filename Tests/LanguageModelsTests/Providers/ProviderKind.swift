import Conversation
import HTTPTestServer
import LanguageModels

/// The providers, where a test is about what they have in common.
enum ProviderKind: String, CaseIterable, Sendable {
    case openAI
    case anthropic

    static let key = "sk-test-SECRET123"

    func model(
        at url: String, continuation: AnswerContinuation = .automatic, timeouts: ModelTimeouts = ModelTimeouts()
    ) throws -> any LanguageModel {
        let endpoint = try ModelEndpoint(baseURL: url, key: Self.key)
        return switch self {
        case .openAI:
            OpenAIModel(model: "m", endpoint: endpoint, continuation: continuation, timeouts: timeouts)
        case .anthropic:
            AnthropicModel(model: "m", endpoint: endpoint, continuation: continuation, timeouts: timeouts)
        }
    }

    /// The events of an answer that says these words.
    func answer(_ words: [String]) -> [String] {
        switch self {
        case .openAI:
            [Fixture.chunk(#"{"role":"assistant","content":""}"#)]
                + words.map { Fixture.chunk("{\"content\":\(JSON.string($0).serializedString)}") }
                + [
                    Fixture.chunk("{}", finish: "stop"),
                    Fixture.event(
                        #"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#),
                    "data: [DONE]\n\n",
                ]
        case .anthropic:
            [
                Fixture.event(
                    #"{"type":"message_start","message":{"id":"x","usage":{"input_tokens":3,"output_tokens":1}}}"#,
                    name: "message_start"),
                Fixture.event(#"{"type":"ping"}"#, name: "ping"),
                Fixture.event(
                    #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                    name: "content_block_start"),
            ]
                + words.map {
                    Fixture.event(
                        "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\(JSON.string($0).serializedString)}}",
                        name: "content_block_delta")
                }
                + [
                    Fixture.event(#"{"type":"content_block_stop","index":0}"#, name: "content_block_stop"),
                    Fixture.event(
                        #"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}"#,
                        name: "message_delta"),
                    Fixture.event(#"{"type":"message_stop"}"#, name: "message_stop"),
                ]
        }
    }
}

/// Bytes as providers send them.
enum Fixture {
    static func event(_ data: String, name: String? = nil) -> String {
        (name.map { "event: \($0)\n" } ?? "") + "data: \(data)\n\n"
    }

    static func chunk(_ delta: String, finish: String? = nil) -> String {
        event(
            "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":\(delta),\"finish_reason\":\(finish.map { "\"\($0)\"" } ?? "null")}]}"
        )
    }
}

extension ServerReply {
    /// Events, each written by itself.
    static func events(_ events: [String], pause: Duration = .zero, end: StreamEnd = .complete) -> Self {
        .stream(events.map { Array($0.utf8) }, pause: pause, end: end)
    }
}

extension ReceivedRequest {
    var json: JSON { (try? JSON(parsing: body)) ?? .null }
}

extension Call {
    /// What the chunks say, all text parts together.
    var text: String {
        chunks.reduce(into: "") { text, chunk in
            if case .textDelta(let delta) = chunk { text += delta.delta }
        }
    }

    var reasoning: String {
        chunks.reduce(into: "") { text, chunk in
            if case .reasoningDelta(let delta) = chunk { text += delta.delta }
        }
    }

    /// The complete calls of tools, as `name(input)`.
    var calls: [String] {
        chunks.compactMap { chunk in
            switch chunk {
            case .toolInputAvailable(let call): "\(call.toolName)(\(call.input?.serializedString ?? ""))"
            case .toolInputError(let call): "\(call.toolName)!(\(call.input?.stringValue ?? ""))"
            default: nil
            }
        }
    }
}

extension Message {
    static func answer(_ parts: Part...) -> Message { Message(id: "a", role: .assistant, parts: parts) }
}
