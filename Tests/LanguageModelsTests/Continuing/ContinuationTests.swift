import Conversation
import HTTPTestServer
import LanguageModels
import Testing

@Suite("Providers: going on with an unfinished answer")
struct ContinuationTests {
    private static let question = Message.user(id: "q", text: "Tell me.")
    private static let said = "The quick brown fox "

    private func request(_ parts: Part...) -> ModelRequest {
        ModelRequest(messages: [Self.question], continuation: Message(id: "a", role: .assistant, parts: parts))
    }

    private var unfinished: ModelRequest { request(.stepStart(), .text(TextPart(Self.said, state: .streaming))) }

    /// The last message of a request: its role and its text.
    private func last(_ request: ReceivedRequest?) -> [String] {
        let message = request?.json["messages"]?.arrayValue?.last
        let text = message?["content"]?.stringValue ?? message?["content"]?.arrayValue?.last?["text"]?.stringValue
        return [message?["role"]?.stringValue ?? "", text ?? ""]
    }

    @Test(
        "An answer's beginning is the last message, and what follows goes on in its part",
        arguments: ProviderKind.allCases)
    func prefill(kind: ProviderKind) async throws {
        let words = kind == .openAI ? ["jumps", " high"] : [" jumps", " high"]
        try await TestServer.serving({ _ in .events(kind.answer(words)) }) { server in
            let call = try await kind.model(at: server.url).call(unfinished)
            var answer = Answer(unfinished.continuation)
            call.chunks.forEach { answer.apply($0) }
            #expect(answer.violations.isEmpty)
            #expect(answer.message.text == "The quick brown fox jumps high")
            #expect(answer.message.parts.count == 2)
            #expect(server.requests.count == 1)
            let json = server.requests.first?.json
            switch kind {
            case .openAI:
                #expect(last(server.requests.first) == ["assistant", Self.said])
                #expect(json?["continue_final_message"] == true && json?["add_generation_prompt"] == false)
            case .anthropic:
                // The API refuses white space at the end.
                #expect(last(server.requests.first) == ["assistant", "The quick brown fox"])
                let before = json?["messages"]?.arrayValue?.first?["content"]?.arrayValue?.last
                #expect(before?["cache_control"] == ["type": "ephemeral"])
            }
        }
    }

    @Test("White space that was said already is not said again, and no other is lost")
    func whiteSpace() async throws {
        let cases = [
            ("a", " b", " b"), ("a ", " b", "b"), ("a\n", "\n\nb", "\nb"), ("a \n", " b", "b"), ("a ", "b", "b"),
            ("a ", "\nb", "\nb"),
        ]
        for (said, output, rest) in cases {
            try await TestServer.serving({ _ in .events(ProviderKind.anthropic.answer(output.map(String.init))) }) {
                server in
                let model = try ProviderKind.anthropic.model(at: server.url)
                #expect(try await model.call(request(.text(said))).text == rest, "\(said.debugDescription)")
            }
        }
    }

    @Test(
        "A prefill that is refused is tried as an instruction, and never again as a prefill",
        arguments: ProviderKind.allCases)
    func refused(kind: ProviderKind) async throws {
        try await TestServer.serving({ request in
            if request.json["messages"]?.arrayValue?.last?["role"] == "assistant" {
                return .json(#"{"error":{"type":"invalid_request_error","message":"no prefill"}}"#, status: 400)
            }
            return .events(kind.answer(["brown fox jum", "ps"]))
        }) { server in
            let model = try kind.model(at: server.url)
            for count in [2, 3] {
                #expect(try await model.call(unfinished).text == " jumps".drop { $0 == " " })
                #expect(server.requests.count == count)
            }
            let (role, text) = (last(server.requests.last)[0], last(server.requests.last)[1])
            #expect(role == "user" && text.contains("\"The quick brown fox \""))
        }
    }

    @Test(
        "What is refused in both forms is refused, and proves nothing about the prefill",
        arguments: ProviderKind.allCases)
    func refusedTwice(kind: ProviderKind) async throws {
        try await TestServer.serving({ _ in .json("{}", status: 400) }) { server in
            let model = try kind.model(at: server.url)
            for count in [2, 4] {
                let error = await #expect(throws: ModelError.self) { try await model.call(unfinished) }
                #expect(error?.code == .invalidRequest)
                #expect(server.requests.count == count)
            }
        }
    }

    @Test("No other failure is taken for a refusal of the prefill", arguments: ProviderKind.allCases)
    func otherFailures(kind: ProviderKind) async throws {
        for status in [401, 404, 413, 429, 500] {
            try await TestServer.serving({ _ in .json("{}", status: status) }) { server in
                await #expect(throws: ModelError.self) { try await kind.model(at: server.url).call(unfinished) }
                #expect(server.requests.count == 1)
            }
        }
    }

    @Test("The form that is set is the one that is used", arguments: ProviderKind.allCases)
    func chosen(kind: ProviderKind) async throws {
        try await TestServer.serving({ _ in .json("{}", status: 400) }) { server in
            for form in [AnswerContinuation.prefill, .instruct] {
                let model = try kind.model(at: server.url, continuation: form)
                await #expect(throws: ModelError.self) { try await model.call(unfinished) }
                #expect(last(server.requests.last)[0] == (form == .prefill ? "assistant" : "user"))
            }
            #expect(server.requests.count == 2)
        }
    }

    @Test("A server that says everything again is not heard twice", arguments: ProviderKind.allCases)
    func wholeAgain(kind: ProviderKind) async throws {
        try await TestServer.serving({ _ in .events(kind.answer(["The quick", " brown fox jumps"])) }) { server in
            let call = try await kind.model(at: server.url).call(unfinished)
            #expect(call.text == "jumps")
        }
    }

    @Test("An answer that ends in settled calls goes on in a new message", arguments: ProviderKind.allCases)
    func calls(kind: ProviderKind) async throws {
        let call = ToolPart(toolCallID: "c", toolName: "f", state: .outputAvailable, input: [:], output: "ok")
        try await TestServer.serving({ _ in .events(kind.answer(["Done."])) }) { server in
            let answered = try await kind.model(at: server.url).call(request(.text("Well."), .tool(call)))
            #expect(answered.text == "Done.")
            let messages = server.requests.first?.json["messages"]?.arrayValue ?? []
            #expect(messages.count == 3 && messages[1]["role"] == "assistant" && messages[2]["role"] != "assistant")
            #expect(server.requests.first?.json["continue_final_message"] == nil)
        }
    }

    @Test("Behind settled calls only what was said after them is gone on with", arguments: ProviderKind.allCases)
    func behindCalls(kind: ProviderKind) async throws {
        let call = ToolPart(toolCallID: "c", toolName: "f", state: .outputAvailable, input: [:], output: "ok")
        try await TestServer.serving({ _ in .events(kind.answer(["ne."])) }) { server in
            let continued = try await kind.model(at: server.url).call(
                request(.text("Well."), .tool(call), .stepStart(), .text(TextPart("Do", state: .streaming))))
            #expect(continued.text == "ne.")
            #expect(last(server.requests.first) == ["assistant", "Do"])
        }
    }

    @Test(
        "An answer that is nothing but blank or an unfinished thought is begun anew", arguments: ProviderKind.allCases)
    func nothingYet(kind: ProviderKind) async throws {
        let thought = Part.reasoning(ReasoningPart("hm", state: .streaming))
        for parts in [[.stepStart()], [.text(TextPart(" \n", state: .streaming))], [thought]] as [[Part]] {
            try await TestServer.serving({ _ in .events(kind.answer(["Hello"])) }) { server in
                let call = try await kind.model(at: server.url).call(
                    ModelRequest(
                        messages: [Self.question], continuation: Message(id: "a", role: .assistant, parts: parts)))
                #expect(call.text == "Hello")
                #expect(last(server.requests.first)[0] == "user")
            }
        }
    }

    @Test("A thought that was cut off is ended, and a new one is another part")
    func cutThought() async throws {
        let events = [
            Fixture.chunk(#"{"reasoning":"anew"}"#), Fixture.chunk(#"{"content":"a"}"#, finish: "stop"),
        ]
        let thought = request(.reasoning(ReasoningPart("hm", state: .streaming)))
        try await TestServer.serving({ _ in .events(events) }) { server in
            let call = try await ProviderKind.openAI.model(at: server.url).call(thought)
            var answer = Answer(thought.continuation)
            call.chunks.forEach { answer.apply($0) }
            #expect(answer.violations.isEmpty)
            #expect(
                answer.message.parts == [
                    .reasoning(ReasoningPart("hm", state: .done)), .reasoning(ReasoningPart("anew", state: .done)),
                    .text(TextPart("a", state: .done)),
                ])
        }
    }

    @Test("A thought before the words does not hide that they repeat what was said")
    func thoughtFirst() async throws {
        let events = [
            Fixture.chunk(#"{"reasoning":"hm"}"#), Fixture.chunk(#"{"content":"brown fox jumps"}"#, finish: "stop"),
        ]
        try await TestServer.serving({ _ in .events(events) }) { server in
            let model = try ProviderKind.openAI.model(at: server.url, continuation: .instruct)
            #expect(try await model.call(unfinished).text == "jumps")
        }
    }

    @Test("Held back words come out when a call follows them, and when the answer ends")
    func heldBack() async throws {
        let endings = [
            [
                Fixture.chunk(
                    #"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}"#,
                    finish: "tool_calls")
            ],
            [Fixture.chunk("{}", finish: "stop")],
        ]
        for ending in endings {
            try await TestServer.serving({ _ in .events([Fixture.chunk(#"{"content":"The quick"}"#)] + ending) }) {
                server in
                let model = try ProviderKind.openAI.model(at: server.url, continuation: .instruct)
                #expect(try await model.call(unfinished).text == "The quick")
            }
        }
    }
}
