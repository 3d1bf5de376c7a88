import Conversation
import LanguageModels
import Testing

@Suite("Scripted model: what it says")
struct ScriptedModelTests {
    private let model = ScriptedModel()

    /// The chunks of one text part, word by word.
    private func text(_ id: String, _ words: String...) -> [Chunk] {
        [.textStart(id: id)] + words.map { .textDelta(id: id, delta: $0) } + [.textEnd(id: id)]
    }

    @Test("Plain text is restated word by word, with the number of messages in the prompt")
    func plainText() async throws {
        let messages = [
            Message.user(id: "1", text: "Hello"), Message(id: "2", role: .assistant, parts: [.text("You said")]),
            Message.user(id: "3", text: "How  are\nyou"),
        ]
        let call = try await model.call(ModelRequest(messages: messages))
        #expect(
            call.chunks
                == text(
                    "t1", "You", " said:", " How", "  are", "\nyou.", " This", " prompt", " holds", " 3", " messages."))
        #expect(call.response.finishReason == .stop)
        #expect(call.response.usage?.inputTokens == 3)
        #expect(call.response.usage?.outputTokens == 10)
        #expect(call.response.usage?.totalTokens == 13)
        #expect(model.name == "scripted")
    }

    @Test(
        "An answer closes with the sentence about its prompt, whatever was said",
        arguments: [
            ("", "You said nothing. This prompt holds 1 message."),
            ("  \n ", "You said nothing. This prompt holds 1 message."),
            ("Really?", "You said: Really? This prompt holds 1 message."),
            ("#scripted", "You said: #scripted. This prompt holds 1 message."),
            (" #script", "You said: #script. This prompt holds 1 message."),
        ])
    func plainTextForms(text: String, expected: String) async throws {
        #expect(try await model.answer(to: [.user(id: "q", text: text)]).message.text == expected)
    }

    @Test("A prompt without a question is answered, too")
    func noQuestion() async throws {
        let call = try await model.call(ModelRequest(messages: []))
        #expect(call.chunks.first == .textStart(id: "t1"))
        #expect(call.response.finishReason == .stop)
    }

    @Test("Every step that speaks is a part of its own, with an id by its place in the program")
    func partsAndIDs() async throws {
        let call = try await model.call("#script\nsay a b\n\nreason why so\nsleep 0\ntokens 3\n")
        #expect(
            call.chunks
                == text("t1", "a", " b")
                + [
                    .reasoningStart(id: "r2"), .reasoningDelta(id: "r2", delta: "why"),
                    .reasoningDelta(id: "r2", delta: " so"), .reasoningEnd(id: "r2"),
                ]
                + text("t4", "1", " 2", " 3"))
        #expect(call.response.usage?.outputTokens == 7)
    }

    @Test("A program without steps says nothing", arguments: ["#script", "#script \r\n\r\n  \n"])
    func emptyProgram(program: String) async throws {
        let call = try await model.call(program)
        #expect(call.chunks.isEmpty)
        #expect(call.response.finishReason == .stop)
    }

    @Test("Line ends of any system and space around a line are no part of what is said")
    func lineEnds() async throws {
        let call = try await model.call("#script\r\n  say a  b \r\nsay c")
        #expect(call.chunks == text("t1", "a", "  b") + text("t2", "c"))
    }

    @Test("The prompt is told one line per message, up to the question")
    func prompt() async throws {
        let messages = [
            Message(id: "0", role: .system, parts: [.text("Be brief.")]),
            Message(id: "1", role: .assistant, parts: [.text("one\ntwo")]), .user(id: "2", text: "#script\nprompt"),
        ]
        let answer = try await model.answer(to: messages)
        #expect(answer.message.text == "system: Be brief.\nassistant: one two\nuser: #script prompt")
    }

    @Test("A tool call ends the answer, and the rest follows its result")
    func tool() async throws {
        let program = "#script\nsay a\ntool weather {\"city\": \"Oslo\"}\nprompt\ntool clock 1\nsay b"
        let question = Message.user(id: "q", text: program)
        let first = try await model.call(ModelRequest(messages: [question]))
        #expect(first.response.finishReason == .toolCalls)
        #expect(
            first.chunks
                == text("t1", "a") + [
                    .toolInputStart(toolCallID: "q-call-2", toolName: "weather"),
                    .toolInputAvailable(toolCallID: "q-call-2", toolName: "weather", input: ["city": "Oslo"]),
                ])

        var answer = Answer()
        first.chunks.forEach { answer.apply($0) }
        answer.settleCalls()
        // The result may come among the messages or as the continuation: the model cannot tell the difference.
        let second = try await model.call(ModelRequest(messages: [question, answer.message]))
        let asContinuation = try await model.call(
            ModelRequest(messages: [question], continuation: answer.message))
        #expect(second.chunks == asContinuation.chunks)
        #expect(second.response.finishReason == .toolCalls)
        second.chunks.forEach { answer.apply($0) }
        answer.settleCalls()
        let third = try await model.call(ModelRequest(messages: [question, answer.message]))
        #expect(third.chunks == text("t5", "b"))
        #expect(third.response.finishReason == .stop)
    }

    @Test(
        "A call's result lets the program go on; a call without one is made again, or waited for",
        arguments: [
            (ToolState.outputAvailable, nil, "b"), (.outputError, nil, "b"), (.outputDenied, nil, "b"),
            (.approvalResponded, false, "b"), (.approvalResponded, true, "waits"), (.approvalRequested, nil, "waits"),
            (.inputAvailable, nil, "calls"), (.inputStreaming, nil, "calls"),
        ])
    func toolStates(state: ToolState, approved: Bool?, expected: String) async throws {
        let approval = approved.map { ToolApproval(id: "a", approved: $0) }
        let part = ToolPart(toolCallID: "q-call-1", toolName: "x", state: state, approval: approval)
        let call = try await model.call(
            "#script\ntool x {}\nsay b", continuation: Message(id: "a", role: .assistant, parts: [.tool(part)]))
        switch expected {
        case "b": #expect(call.chunks == text("t2", "b"))
        case "waits": #expect(call.chunks.isEmpty && call.response.finishReason == .toolCalls)
        default: #expect(call.chunks.count == 2 && call.response.finishReason == .toolCalls)
        }
    }

    @Test("Each failure has its code, behind what was said before it", arguments: ModelError.Code.allCases)
    func fail(code: ModelError.Code) async throws {
        let chunks = Collected()
        let error = await #expect(throws: ModelError.self) {
            let question = Message.user(id: "q", text: "#script\nsay a\nfail \(code.rawValue)\nsay b")
            _ = try await model.generate(ModelRequest(messages: [question])) { chunks.append($0) }
        }
        #expect(error?.code == code)
        #expect(chunks.all == text("t1", "a"))
    }

    @Test("Sleeping takes its time on the clock that was given")
    func sleep() async throws {
        let clock = InstantClock()
        _ = try await ScriptedModel(clock: clock).call("#script\nsleep 2m\nsay a\nsleep 1.5s")
        #expect(clock.now.offset == .milliseconds(121_500))
    }

    @Test("Words are spaced by their interval, and neither a slow reader nor a late clock puts off the end")
    func intervals() async throws {
        let clock = InstantClock(lateness: .milliseconds(3))
        let chunks = Collected()
        let question = Message.user(id: "q", text: "#script\ntokens 5 20ms")
        _ = try await ScriptedModel(clock: clock).generate(ModelRequest(messages: [question])) { chunk in
            chunks.append(chunk)
            if case .textDelta = chunk { clock.advance(by: .milliseconds(7)) }
        }
        #expect(chunks.all.count == 7)
        #expect(clock.now.offset == .milliseconds(4 * 20 + 3 + 7))
    }

    @Test("The model's own interval spaces the words of say and of plain answers, not those of tokens")
    func ownInterval() async throws {
        let clock = InstantClock()
        let model = ScriptedModel(interval: .milliseconds(10), clock: clock)
        _ = try await model.call("#script\nsay a b c")
        #expect(clock.now.offset == .milliseconds(20))
        _ = try await model.call("#script\ntokens 100")
        #expect(clock.now.offset == .milliseconds(20))
        _ = try await model.call("Hello")
        #expect(clock.now.offset == .milliseconds(20 + 70))
    }

    @Test("Behind a stall, the words that were missed do not come all at once")
    func stall() async throws {
        let clock = InstantClock()
        let question = Message.user(id: "q", text: "#script\ntokens 4 10ms")
        _ = try await ScriptedModel(clock: clock).generate(ModelRequest(messages: [question])) { chunk in
            if chunk == .textDelta(id: "t1", delta: "1") { clock.advance(by: .seconds(1)) }
        }
        // The second word is due at once, the others each an interval behind the one before.
        #expect(clock.now.offset == .milliseconds(1020))
    }

    @Test("A stopped turn ends the answer between two words")
    func cancellation() async throws {
        let chunks = Collected()
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            let question = Message.user(id: "q", text: "#script\ntokens 1000")
            _ = try await ScriptedModel().generate(ModelRequest(messages: [question])) { chunks.append($0) }
        }
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(chunks.all == [.textStart(id: "t1")])
    }

    @Test("What the reader throws ends the answer")
    func readerThrows() async {
        struct Full: Error {}
        await #expect(throws: Full.self) {
            _ = try await model.generate(ModelRequest(messages: [.user(id: "q", text: "a")])) { _ in throw Full() }
        }
    }
}
