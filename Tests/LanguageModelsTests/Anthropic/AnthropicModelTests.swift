import Conversation
import HTTPTestServer
import LanguageModels
import Testing

@Suite("Anthropic's messages")
struct AnthropicModelTests {
    private func call(
        _ request: ModelRequest, thinkingTokens: Int? = nil, _ events: [String]
    ) async throws -> (call: Call, request: ReceivedRequest) {
        nonisolated(unsafe) var result: (Call, ReceivedRequest)?
        try await TestServer.serving({ _ in .events(events) }) { server in
            let model = AnthropicModel(
                model: "claude", endpoint: try ModelEndpoint(baseURL: server.url, key: "k"), maximumTokens: 100,
                thinkingTokens: thinkingTokens)
            result = (try await model.call(request), try #require(server.requests.first))
        }
        return try #require(result)
    }

    private func call(_ events: [String]) async throws -> Call {
        try await call(ModelRequest(messages: [.user(id: "q", text: "hi")]), events).call
    }

    private static func events(_ blocks: [[String]], stop: String = "end_turn") -> [String] {
        let start = [
            #"{"type":"message_start","message":{"usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":1}}}"#
        ]
        let end = [
            "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"\(stop)\"},\"usage\":{\"output_tokens\":4}}",
            #"{"type":"message_stop"}"#,
        ]
        let middle = blocks.enumerated().flatMap { index, block in
            ["{\"type\":\"content_block_start\",\"index\":\(index),\"content_block\":\(block[0])}"]
                + block.dropFirst().map { "{\"type\":\"content_block_delta\",\"index\":\(index),\"delta\":\($0)}" }
                + ["{\"type\":\"content_block_stop\",\"index\":\(index)}"]
        }
        return (start + middle + end).map { Fixture.event($0) }
    }

    @Test("An answer streams as one text part, with its reason and its cost, and the request is marked for the cache")
    func plain() async throws {
        let (call, request) = try await call(
            ModelRequest(
                messages: [.user(id: "q", text: "hi")], system: "Be brief.",
                tools: [ToolDefinition(name: "f", description: "Does.", inputSchema: ["type": "object"])]),
            ProviderKind.anthropic.answer(["Hel", "lo"]))
        #expect(
            call.chunks == [
                .textStart(id: "t0"), .textDelta(id: "t0", delta: "Hel"), .textDelta(id: "t0", delta: "lo"),
                .textEnd(id: "t0"),
            ])
        #expect(
            call.response
                == ModelResponse(finishReason: .stop, usage: Usage(inputTokens: 3, outputTokens: 2, totalTokens: 5)))
        #expect(request.uri == "/v1/messages" && request["x-api-key"] == "k")
        #expect(request["anthropic-version"] == "2023-06-01" && request["authorization"] == nil)
        let mark: JSON = ["type": "ephemeral"]
        #expect(
            request.json == [
                "model": "claude", "max_tokens": 100, "stream": true,
                "system": [["type": "text", "text": "Be brief.", "cache_control": mark]],
                "tools": [
                    ["name": "f", "description": "Does.", "input_schema": ["type": "object"], "cache_control": mark]
                ],
                "messages": [
                    ["role": "user", "content": [["type": "text", "text": "hi", "cache_control": mark]]]
                ],
            ])
    }

    @Test("Calls are put together from their pieces")
    func tools() async throws {
        let call = try await call(
            Self.events(
                [
                    [#"{"type":"text","text":""}"#, #"{"type":"text_delta","text":"Well."}"#],
                    [
                        #"{"type":"tool_use","id":"c0","name":"f","input":{}}"#,
                        #"{"type":"input_json_delta","partial_json":""}"#,
                        #"{"type":"input_json_delta","partial_json":"{\"a\":"}"#,
                        #"{"type":"input_json_delta","partial_json":"1}"}"#,
                    ],
                    [#"{"type":"tool_use","id":"c1","name":"g","input":{}}"#],
                    [#"{"type":"server_tool_use","id":"s","name":"web_search","input":{}}"#],
                ], stop: "tool_use"))
        #expect(
            call.chunks == [
                .textStart(id: "t0"), .textDelta(id: "t0", delta: "Well."), .textEnd(id: "t0"),
                .toolInputStart(toolCallID: "c0", toolName: "f"),
                .toolInputDelta(toolCallID: "c0", inputTextDelta: #"{"a":"#),
                .toolInputDelta(toolCallID: "c0", inputTextDelta: "1}"),
                .toolInputAvailable(toolCallID: "c0", toolName: "f", input: ["a": 1]),
                .toolInputStart(toolCallID: "c1", toolName: "g"),
                .toolInputAvailable(toolCallID: "c1", toolName: "g", input: [:]),
            ])
        #expect(call.response.finishReason == .toolCalls)
        #expect(call.response.usage == Usage(inputTokens: 3, outputTokens: 4, totalTokens: 7))
    }

    @Test("Thoughts keep their signatures and go back exactly as they came, the hidden ones too")
    func thoughts() async throws {
        let thinking = Self.events(
            [
                [
                    #"{"type":"thinking","thinking":"","signature":""}"#, #"{"type":"thinking_delta","thinking":" h"}"#,
                    #"{"type":"thinking_delta","thinking":"m\n"}"#, #"{"type":"signature_delta","signature":"Ab+"}"#,
                    #"{"type":"signature_delta","signature":"/9=="}"#,
                ],
                [#"{"type":"redacted_thinking","data":"x/y=="}"#],
                [#"{"type":"thinking","thinking":"","signature":"only"}"#],
                [#"{"type":"tool_use","id":"c0","name":"f","input":{}}"#],
            ], stop: "tool_use")
        let (first, request) = try await call(
            ModelRequest(messages: [.user(id: "q", text: "hi")]), thinkingTokens: 2048, thinking)
        #expect(request.json["thinking"] == ["type": "enabled", "budget_tokens": 2048])
        var assembler = MessageAssembler(messageID: "a")
        for chunk in first.chunks { try assembler.apply(chunk) }
        try assembler.apply(.toolOutputAvailable(toolCallID: "c0", output: "done"))
        // As it is stored and read again.
        let answer = try Message(parsing: assembler.message.serialized())
        let (_, second) = try await call(
            ModelRequest(messages: [.user(id: "q", text: "hi")], continuation: answer),
            ProviderKind.anthropic.answer(["x"]))
        #expect(
            second.json["messages"]?.arrayValue?[1] == [
                "role": "assistant",
                "content": [
                    ["type": "thinking", "thinking": " hm\n", "signature": "Ab+/9=="],
                    ["type": "redacted_thinking", "data": "x/y=="],
                    ["type": "thinking", "thinking": "", "signature": "only"],
                    ["type": "tool_use", "id": "c0", "name": "f", "input": [:]],
                ],
            ])
    }

    @Test("A history is given with its calls and results, and without what the API refuses")
    func history() async throws {
        let messages: [Message] = [
            .answer(.text("Welcome.")),
            Message(
                id: "1", role: .user,
                parts: [
                    .text(" "), .text("look"),
                    .file(FilePart(mediaType: "image/png", url: "data:image/png;base64,AAAA")),
                    .file(FilePart(mediaType: "image/png", url: "https://h/i.png")),
                    .file(FilePart(mediaType: "application/pdf", url: "https://h/d.pdf")),
                    .file(
                        FilePart(mediaType: "text/markdown", url: "data:text/markdown;base64,YSBi", filename: "n.md")),
                    .file(FilePart(mediaType: "video/mp4", url: "https://h/v.mp4")),
                ]),
            Message(id: "s", role: .system, parts: [.text("Later rule.")]),
            .answer(
                .reasoning("unsigned"), .text("\n"),
                .tool(
                    ToolPart(
                        toolCallID: "functions.f:0", toolName: "f", state: .outputAvailable, input: ["a": 1],
                        output: "ok")),
                .tool(ToolPart(toolCallID: "c2", toolName: "g", state: .outputError, input: [:], errorText: "broken")),
                .stepStart(), .text("Done.")),
            .user(id: "2", text: "go on"),
        ]
        let (_, request) = try await call(
            ModelRequest(messages: messages, system: "Rules."), ProviderKind.anthropic.answer(["x"]))
        let mark: JSON = ["type": "ephemeral"]
        let expected: JSON = [
            ["role": "user", "content": [["type": "text", "text": "(The assistant opens the conversation.)"]]],
            ["role": "assistant", "content": [["type": "text", "text": "Welcome."]]],
            [
                "role": "user",
                "content": [
                    ["type": "text", "text": "look"],
                    ["type": "image", "source": ["type": "base64", "media_type": "image/png", "data": "AAAA"]],
                    ["type": "image", "source": ["type": "url", "url": "https://h/i.png"]],
                    ["type": "document", "source": ["type": "url", "url": "https://h/d.pdf"]],
                    [
                        "type": "document", "source": ["type": "text", "media_type": "text/plain", "data": "a b"],
                        "title": "n.md",
                    ],
                    ["type": "text", "text": "[file video/mp4: https://h/v.mp4]"],
                ],
            ],
            [
                "role": "assistant",
                "content": [
                    ["type": "tool_use", "id": "functions_f_0", "name": "f", "input": ["a": 1]],
                    ["type": "tool_use", "id": "c2", "name": "g", "input": [:]],
                ],
            ],
            [
                "role": "user",
                "content": [
                    ["type": "tool_result", "tool_use_id": "functions_f_0", "content": "ok"],
                    ["type": "tool_result", "tool_use_id": "c2", "content": "Error: broken", "is_error": true],
                ],
            ],
            ["role": "assistant", "content": [["type": "text", "text": "Done."]]],
            ["role": "user", "content": [["type": "text", "text": "go on", "cache_control": mark]]],
        ]
        #expect(request.json["messages"] == expected)
        #expect(
            request.json["system"] == [
                ["type": "text", "text": "Rules."], ["type": "text", "text": "Later rule.", "cache_control": mark],
            ])
    }

    private static let reasons: [(String, FinishReason)] = [
        ("end_turn", .stop), ("stop_sequence", .stop), ("pause_turn", .stop), ("max_tokens", .length),
        ("model_context_window_exceeded", .length), ("tool_use", .toolCalls), ("refusal", .contentFilter),
        ("news", .other),
    ]

    @Test("Every reason to end is read")
    func reasons() async throws {
        for (text, reason) in Self.reasons {
            #expect(try await call(Self.events([], stop: text)).response.finishReason == reason)
        }
    }

    @Test("A call that is cut off for its length is told as such")
    func cut() async throws {
        let events = Self.events(
            [
                [
                    #"{"type":"tool_use","id":"c0","name":"f","input":{}}"#,
                    #"{"type":"input_json_delta","partial_json":"{\"a"}"#,
                ]
            ],
            stop: "max_tokens")
        let call = try await call(events)
        #expect(call.calls == [#"f!({"a)"#] && call.response.finishReason == .length)
    }

    @Test("Events and blocks that are not known are passed over, and a whole message is taken")
    func odd() async throws {
        var events = Self.events([
            [#"{"type":"news"}"#, #"{"type":"news_delta","x":1}"#],
            [#"{"type":"text","text":"a"}"#, #"{"type":"citations_delta"}"#],
        ])
        events.insert(Fixture.event(#"{"type":"news"}"#), at: 1)
        #expect(try await call(events).text == "a")
        let body =
            #"{"type":"message","content":[{"type":"text","text":"Hello"},{"type":"tool_use","id":"a","name":"f","input":{"x":1}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2}}"#
        try await TestServer.serving({ _ in .json(body) }) { server in
            let call = try await ProviderKind.anthropic.model(at: server.url + "/v1").call("hi")
            #expect(call.text == "Hello" && call.calls == [#"f({"x":1})"#] && call.response.finishReason == .toolCalls)
            #expect(server.requests.first?.uri == "/v1/messages")
        }
    }
}
