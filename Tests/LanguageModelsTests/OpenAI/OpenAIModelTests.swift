import Conversation
import HTTPTestServer
import LanguageModels
import Testing

@Suite("OpenAI-compatible model")
struct OpenAIModelTests {
    private func call(
        _ request: ModelRequest, maximumTokens: Int? = nil, _ events: [String]
    ) async throws -> (call: Call, request: ReceivedRequest) {
        nonisolated(unsafe) var result: (Call, ReceivedRequest)?
        try await TestServer.serving({ _ in .events(events) }) { server in
            let model = OpenAIModel(
                model: "gpt", endpoint: try ModelEndpoint(baseURL: "\(server.url)/v1/", key: "k"),
                maximumTokens: maximumTokens)
            result = (try await model.call(request), try #require(server.requests.first))
        }
        return try #require(result)
    }

    private func call(_ events: [String]) async throws -> Call {
        try await call(ModelRequest(messages: [.user(id: "q", text: "hi")]), events).call
    }

    @Test("An answer streams as one text part, with its reason and its cost")
    func plain() async throws {
        let (call, request) = try await call(
            ModelRequest(messages: [.user(id: "q", text: "hi")], system: "Be brief."), maximumTokens: 7,
            ProviderKind.openAI.answer(["Hel", "lo"]))
        #expect(
            call.chunks == [
                .textStart(id: "t0"), .textDelta(id: "t0", delta: "Hel"), .textDelta(id: "t0", delta: "lo"),
                .textEnd(id: "t0"),
            ])
        #expect(
            call.response
                == ModelResponse(
                    finishReason: .stop, usage: Usage(inputTokens: 3, outputTokens: 2, totalTokens: 5)))
        #expect(request.method == "POST" && request.uri == "/v1/chat/completions")
        #expect(request["authorization"] == "Bearer k")
        #expect(
            request.json == [
                "model": "gpt", "stream": true, "stream_options": ["include_usage": true], "max_tokens": 7,
                "messages": [["role": "system", "content": "Be brief."], ["role": "user", "content": "hi"]],
            ])
    }

    @Test("Without a key no header is sent")
    func withoutKey() async throws {
        try await TestServer.serving({ _ in .events(ProviderKind.openAI.answer(["a"])) }) { server in
            let model = OpenAIModel(model: "m", endpoint: try ModelEndpoint(baseURL: server.url))
            #expect(model.name == "openai:m")
            _ = try await model.call("hi")
            #expect(server.requests.first?["authorization"] == nil)
        }
    }

    @Test("A history is given with its calls, their results and refusals, and without thoughts")
    func history() async throws {
        let image = "data:image/png;base64,AAAA"
        let messages: [Message] = [
            Message(id: "s", role: .system, parts: [.text("Rules.")]),
            Message(
                id: "1", role: .user,
                parts: [
                    .text("look"), .file(FilePart(mediaType: "image/png", url: image)),
                    .file(FilePart(mediaType: "text/plain", url: "data:text/plain,a%20b")),
                    .file(
                        FilePart(
                            mediaType: "application/pdf", url: "data:application/pdf;base64,AAAA", filename: "f.pdf")),
                    .file(FilePart(mediaType: "application/zip", url: "https://h/z.zip")),
                    .file(FilePart(mediaType: "audio/wav", url: "data:audio/wav;base64,AAAA")),
                ]),
            .answer(
                .stepStart(), .reasoning("hm"), .text("I "), .text("look."),
                .tool(
                    ToolPart(
                        toolCallID: "c1", toolName: "f", state: .outputAvailable, input: ["a": 1], output: ["b": 2])),
                .tool(
                    ToolPart(
                        toolCallID: "c2", toolName: "g", state: .outputDenied,
                        approval: ToolApproval(id: "x", approved: false, reason: "no way"))),
                .tool(ToolPart(toolCallID: "c3", toolName: "h", state: .inputAvailable, input: [:])),
                .stepStart(),
                .tool(
                    ToolPart(
                        toolCallID: "c4", toolName: "f", state: .outputError, rawInput: "{bad", errorText: "broken")),
                .stepStart(), .text("Done.")),
            Message(id: "2", role: .user, parts: [.text("a"), .text("b")]),
        ]
        let (_, request) = try await call(ModelRequest(messages: messages), ProviderKind.openAI.answer(["x"]))
        let expected: JSON = [
            ["role": "system", "content": "Rules."],
            [
                "role": "user",
                "content": [
                    ["type": "text", "text": "look"], ["type": "image_url", "image_url": ["url": .string(image)]],
                    ["type": "text", "text": "a b"],
                    ["type": "file", "file": ["filename": "f.pdf", "file_data": "data:application/pdf;base64,AAAA"]],
                    ["type": "text", "text": "[file application/zip: https://h/z.zip]"],
                    ["type": "input_audio", "input_audio": ["data": "AAAA", "format": "wav"]],
                ],
            ],
            [
                "role": "assistant", "content": "I look.",
                "tool_calls": [
                    ["id": "c1", "type": "function", "function": ["name": "f", "arguments": #"{"a":1}"#]],
                    ["id": "c2", "type": "function", "function": ["name": "g", "arguments": "{}"]],
                ],
            ],
            ["role": "tool", "tool_call_id": "c1", "content": #"{"b":2}"#],
            ["role": "tool", "tool_call_id": "c2", "content": "The user refused to allow this call: no way"],
            [
                "role": "assistant", "content": .null,
                "tool_calls": [
                    ["id": "c4", "type": "function", "function": ["name": "f", "arguments": #"{"input":"{bad"}"#]]
                ],
            ],
            ["role": "tool", "tool_call_id": "c4", "content": "Error: broken"],
            ["role": "assistant", "content": "Done."], ["role": "user", "content": "a\nb"],
        ]
        #expect(request.json["messages"] == expected)
    }

    @Test("Tools are told of, and parallel calls are told apart by their index")
    func tools() async throws {
        let schema: JSON = ["type": "object"]
        let events = [
            Fixture.chunk(#"{"content":"Well."}"#),
            Fixture.chunk(
                #"{"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":""}}]}"#),
            Fixture.chunk(#"{"tool_calls":[{"index":1,"id":"c1","function":{"name":"g","arguments":"{\"b\""}}]}"#),
            Fixture.chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}"#),
            Fixture.chunk(
                #"{"tool_calls":[{"index":1,"function":{"arguments":":2}"}},{"index":0,"function":{"arguments":"1}"}}]}"#
            ),
            Fixture.chunk("{}", finish: "tool_calls"), "data: [DONE]\n\n",
        ]
        let (call, request) = try await call(
            ModelRequest(
                messages: [.user(id: "q", text: "hi")],
                tools: [ToolDefinition(name: "f", description: "Does.", inputSchema: schema)]), events)
        #expect(
            call.chunks == [
                .textStart(id: "t0"), .textDelta(id: "t0", delta: "Well."), .textEnd(id: "t0"),
                .toolInputStart(toolCallID: "c0", toolName: "f"), .toolInputStart(toolCallID: "c1", toolName: "g"),
                .toolInputDelta(toolCallID: "c1", inputTextDelta: #"{"b""#),
                .toolInputDelta(toolCallID: "c0", inputTextDelta: #"{"a":"#),
                .toolInputDelta(toolCallID: "c1", inputTextDelta: ":2}"),
                .toolInputDelta(toolCallID: "c0", inputTextDelta: "1}"),
                .toolInputAvailable(toolCallID: "c0", toolName: "f", input: ["a": 1]),
                .toolInputAvailable(toolCallID: "c1", toolName: "g", input: ["b": 2]),
            ])
        #expect(call.response.finishReason == .toolCalls)
        #expect(
            request.json["tools"] == [
                ["type": "function", "function": ["name": "f", "description": "Does.", "parameters": schema]]
            ])
    }

    /// Pieces of calls as servers send them, and the calls that they amount to.
    private static let oddCalls: [(String, [String], [String])] = [
        (
            "no index",
            [
                #"[{"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
                #"[{"id":"b","function":{"name":"g","arguments":"{\"x\":1}"}}]"#,
            ], ["f({})", #"g({"x":1})"#]
        ),
        (
            "neither index nor id",
            [
                #"[{"function":{"name":"f","arguments":"{\"x\""}}]"#, #"[{"function":{"arguments":":1}"}}]"#,
                #"[{"function":{"name":"g","arguments":"{}"}}]"#,
            ], [#"f({"x":1})"#, "g({})"]
        ),
        (
            "index 0 for all",
            [
                #"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]"#,
                #"[{"index":0,"id":"b","function":{"name":"f","arguments":"{\"x\":1}"}}]"#,
            ], ["f({})", #"f({"x":1})"#]
        ),
        (
            "id and name again and again",
            [
                #"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]"#,
                #"[{"index":0,"id":"a","function":{"name":"f","arguments":":1}"}}]"#,
            ], [#"f({"x":1})"#]
        ),
        (
            "a new id for every piece",
            [
                #"[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}]"#,
                #"[{"index":0,"id":"b","function":{"name":null,"arguments":":1}"}}]"#,
            ], [#"f({"x":1})"#]
        ),
        (
            "an empty id",
            [
                #"[{"index":0,"id":"","function":{"name":"f","arguments":"{}"}}]"#,
                #"[{"index":1,"id":"","function":{"name":"g","arguments":"{}"}}]"#,
            ], ["f({})", "g({})"]
        ),
        (
            "the same id twice",
            [
                #"[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"a","function":{"name":"g","arguments":"{}"}}]"#
            ], ["f({})", "g({})"]
        ),
        (
            "an object for arguments", [#"[{"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}}]"#],
            [#"f({"x":1})"#]
        ),
        ("no arguments", [#"[{"index":0,"id":"a","function":{"name":"f"}}]"#], ["f({})"]),
        ("blank arguments", [#"[{"index":0,"id":"a","function":{"name":"f","arguments":" "}}]"#], ["f({})"]),
        (
            "the name late",
            [
                #"[{"index":0,"id":"a","function":{"arguments":"{\"x\":"}}]"#,
                #"[{"index":0,"function":{"name":"f","arguments":"1}"}}]"#,
            ], [#"f({"x":1})"#]
        ),
        (
            "arguments that are not JSON", [#"[{"index":0,"id":"a","function":{"name":"f","arguments":"{x"}}]"#],
            ["f!({x)"]
        ),
    ]

    @Test("The calls of servers with odd habits are told apart")
    func oddCalls() async throws {
        for (what, pieces, calls) in Self.oddCalls {
            for finish in ["tool_calls", "stop", "function_call"] {
                let events =
                    pieces.map { Fixture.chunk("{\"tool_calls\":\($0)}") } + [Fixture.chunk("{}", finish: finish)]
                let call = try await call(events)
                #expect(call.calls == calls, "\(what)")
                #expect(call.response.finishReason == .toolCalls, "\(what)")
                let ids = call.chunks.compactMap { chunk in
                    if case .toolInputStart(let start) = chunk { start.toolCallID } else { nil }
                }
                #expect(Set(ids).count == calls.count && !ids.contains(""), "\(what)")
            }
        }
        let legacy = try await call([
            Fixture.chunk(#"{"function_call":{"name":"f","arguments":"{\"x\""}}"#),
            Fixture.chunk(#"{"function_call":{"arguments":":1}"}}"#), Fixture.chunk("{}", finish: "function_call"),
        ])
        #expect(legacy.calls == [#"f({"x":1})"#])
    }

    @Test("An id that the conversation knows already is not given to another call")
    func knownID() async throws {
        let before = Message.answer(
            .tool(ToolPart(toolCallID: "call_0", toolName: "f", state: .outputAvailable, input: [:], output: 1)))
        let events = [
            Fixture.chunk(
                #"{"tool_calls":[{"index":0,"id":"call_0","function":{"name":"f","arguments":"{}"}}]}"#,
                finish: "tool_calls")
        ]
        let (call, _) = try await call(
            ModelRequest(messages: [.user(id: "q", text: "hi")], continuation: before), events)
        guard case .toolInputStart(let start)? = call.chunks.first else {
            Issue.record("no call")
            return
        }
        #expect(start.toolCallID != "call_0" && start.toolCallID.hasPrefix("call_"))
    }

    @Test("A call of nothing is a failure of the provider")
    func nameless() async throws {
        await #expect(throws: ModelError.self) {
            try await call([
                Fixture.chunk(
                    #"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{}"}}]}"#, finish: "tool_calls")
            ])
        }
    }

    private static let reasons: [(String, FinishReason)] = [
        ("stop", .stop), ("length", .length), ("content_filter", .contentFilter), ("eos", .stop), ("weird", .other),
        ("tool_calls", .toolCalls),
    ]

    @Test("Every reason to end is read; a missing one is taken from what there is")
    func reasons() async throws {
        for (text, reason) in Self.reasons {
            #expect(try await call([Fixture.chunk(#"{"content":"a"}"#, finish: text)]).response.finishReason == reason)
        }
        let done = try await call([Fixture.chunk(#"{"content":"a"}"#), "data: [DONE]\n\n"])
        #expect(done.response.finishReason == .stop && done.text == "a")
        let calling = try await call([
            Fixture.chunk(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#),
            "data: [DONE]",
        ])
        #expect(calling.response.finishReason == .toolCalls)
        let cut = try await call([
            Fixture.chunk(
                #"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}}]}"#, finish: "length")
        ])
        #expect(cut.response.finishReason == .length && cut.calls == [#"f!({"x)"#])
    }

    /// Deltas as servers send them, and the text and the thoughts that they amount to.
    private static let oddDeltas: [(String, String, String)] = [
        (#"{"content":null,"role":"assistant"}"#, "", ""),
        (#"{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#, "ab", ""),
        (#"{"content":["a"]}"#, "a", ""), (#"{"refusal":"No."}"#, "No.", ""),
        (#"{"content":"","refusal":null}"#, "", ""),
        (#"{"reasoning_content":"hm"}"#, "", "hm"), (#"{"reasoning":"hm"}"#, "", "hm"),
        (#"{"reasoning":"hm","reasoning_content":"hm"}"#, "", "hm"),
        (#"{"reasoning_content":null,"content":"a"}"#, "a", ""),
        (#"{"reasoning":"hm","content":"a"}"#, "a", "hm"),
        (
            #"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"a"}]}"#,
            "a", "hm"
        ),
        (#"{"content":[{"type":"refusal","refusal":"No."}]}"#, "No.", ""), ("null", "", ""),
    ]

    @Test("Content, refusals and thoughts are read in every shape")
    func oddDeltas() async throws {
        for (delta, text, reasoning) in Self.oddDeltas {
            let call = try await call([Fixture.chunk(delta), Fixture.chunk("{}", finish: "stop")])
            #expect(call.text == text && call.reasoning == reasoning, "\(delta)")
        }
        let thinking = try await call([
            Fixture.chunk(#"{"reasoning":"h"}"#), Fixture.chunk(#"{"reasoning":"m"}"#),
            Fixture.chunk(#"{"content":"a"}"#, finish: "stop"),
        ])
        #expect(
            thinking.chunks == [
                .reasoningStart(id: "r0"), .reasoningDelta(id: "r0", delta: "h"), .reasoningDelta(id: "r0", delta: "m"),
                .reasoningEnd(id: "r0"), .textStart(id: "t1"), .textDelta(id: "t1", delta: "a"), .textEnd(id: "t1"),
            ])
    }

    @Test("The cost is found in a chunk of its own and in the last choice")
    func usage() async throws {
        let cost = #"{"prompt_tokens":1,"completion_tokens":2}"#
        let inChunk = try await call([
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}],\"usage\":\(cost)}\n\n"
        ])
        #expect(inChunk.response.usage == Usage(inputTokens: 1, outputTokens: 2))
        let inChoice = try await call([
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\",\"usage\":\(cost)}],\"usage\":null}\n\n"
        ])
        #expect(inChoice.response.usage == Usage(inputTokens: 1, outputTokens: 2))
        #expect(try await call([Fixture.chunk("{}", finish: "stop")]).response.usage == nil)
    }

    @Test("Comments, other choices and chunks without choices are passed over")
    func noise() async throws {
        let call = try await call([
            ": OPENROUTER PROCESSING\n\n", Fixture.event(#"{"object":"x"}"#), Fixture.event(#"{"choices":[]}"#),
            Fixture.event(#"{"choices":[{"index":1,"delta":{"content":"other"}}]}"#),
            Fixture.chunk(#"{"content":"a"}"#),
            ": keep-alive\n\n", Fixture.chunk("{}", finish: "stop"),
        ])
        #expect(call.text == "a")
    }

    @Test("An answer in one piece is taken, although a stream was asked for")
    func whole() async throws {
        let body =
            #"{"choices":[{"index":0,"message":{"role":"assistant","content":"Hello","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#
        try await TestServer.serving({ _ in .json(body) }) { server in
            let call = try await ProviderKind.openAI.model(at: server.url).call("hi")
            #expect(call.text == "Hello" && call.calls == ["f({})"])
            #expect(
                call.response
                    == ModelResponse(
                        finishReason: .toolCalls, usage: Usage(inputTokens: 1, outputTokens: 1, totalTokens: 2)))
        }
        try await TestServer.serving({ _ in .json(#"{"error":{"code":429}}"#) }) { server in
            let error = await #expect(throws: ModelError.self) {
                try await ProviderKind.openAI.model(at: server.url).call("hi")
            }
            #expect(error?.code == .rateLimited)
        }
    }
}
