import ChatAgent
import Conversation
import Testing
import TurnHost

@Suite("Answers that break off while they go on in an earlier message")
struct BrokenAnswerTests {
    private struct Broken: Error {}

    @Test("S88: What earlier turns settled of the message stays as it was; what the broken turn said is put behind it")
    func brokenContinuation() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent(answer: { turn in
            guard turn.identity.trigger == .toolAnswer else {
                try await turn.say("let me ask")
                return try await turn.write(.toolInputAvailable(toolCallID: "c", toolName: "ask", input: ["n": 1]))
            }
            try await turn.say("half an answ")
            throw Broken()
        })
        try await conductor.start(agent)
        conductor.say("a question", id: "u1")
        try await conductor.finish()
        let before = try #require(try await conductor.history().last)
        conductor.send(.message(.toolAnswer(.output(callID: "c", "yes"), id: "made-up")))
        try await conductor.finish()

        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        let after = try #require(history.last)
        #expect(after.parts.count > before.parts.count)
        #expect(
            after.parts.first { if case .text = $0 { true } else { false } }
                == .text(TextPart("let me ask", state: .done)))
        guard case .tool(let call)? = after.parts.first(where: { if case .tool = $0 { true } else { false } }) else {
            Issue.record("the call is gone")
            return
        }
        #expect(call.state == .outputAvailable && call.output == "yes" && call.input == ["n": 1])
        #expect(after.text == "let me askhalf an answ")
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .failed])
    }
}
