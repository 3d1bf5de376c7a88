import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Models of tests", .timeLimit(.minutes(1)))
struct ModelTests {
    @Test("A text is streamed word by word, and gone on with where it stopped")
    func continuation() async throws {
        let text = "one  two three"
        for said in ["", "one", "one ", "one  t", "one  two three"] {
            let unfinished = Message(id: "a", role: .assistant, parts: [.text(said)])
            let rest = try await Self.answer(
                StubModel { _ in .text(text) }, ModelRequest(messages: [], continuation: unfinished))
            #expect(said + rest == text)
        }
        let other = Message(id: "a", role: .assistant, parts: [.text("one 2")])
        let whole = try await Self.answer(
            StubModel { _ in .text(text) }, ModelRequest(messages: [], continuation: other))
        #expect(whole == text)
    }

    @Test("Calls of tools come all at once, and end the step")
    func toolCalls() async throws {
        let answer = StubAnswer.toolCalls("look", [["x": 1], ["x": 2]])
        #expect(answer.finishReason == .toolCalls)
        #expect(
            answer.chunks == [
                .toolInputAvailable(toolCallID: "call-1", toolName: "look", input: ["x": 1]),
                .toolInputAvailable(toolCallID: "call-2", toolName: "look", input: ["x": 2]),
            ])
    }

    @Test("A recording model notes what it is asked, in a test and outside of one")
    func recording() async throws {
        let model = RecordingModel(StubModel(name: "inner") { _ in "fine" })
        #expect(model.name == "inner")
        _ = try await Self.answer(model, ModelRequest(messages: [.user(id: "u", text: "a")]))
        let chat = MockChatAgent(Assistant(model: RecordingModel(ScriptedModel())))
        try await chat.send("b")
        #expect(model.requests.map { $0.messages.map(\.text) } == [["a"]])
        #expect(chat.prompts.map { $0.messages.map(\.text) } == [["b"]])
    }

    private static func answer(_ model: any LanguageModel, _ request: ModelRequest) async throws -> String {
        let collector = Collector()
        _ = try await model.generate(request) { await collector.take($0) }
        return await collector.text
    }

    private actor Collector {
        var text = ""

        func take(_ chunk: Chunk) {
            if case .textDelta(let delta) = chunk { text += delta.delta }
        }
    }
}
