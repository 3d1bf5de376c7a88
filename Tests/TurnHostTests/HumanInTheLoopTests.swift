import ChatAgent
import Conversation
import Kafka
import LanguageModels
import Testing
import TurnHost

@Suite("Calls that are answered from outside")
struct HumanInTheLoopTests {
    /// A conductor whose session waits for the answers to `question`'s calls.
    private static func paused(
        _ question: String = "ask:a", _ agent: ToolAgent? = nil
    ) async throws -> (Conductor, ToolAgent) {
        let conductor = try Conductor()
        let agent = try agent ?? ToolAgent(tools: [.ask()])
        try await conductor.start(agent)
        conductor.say(question, id: "u1")
        try await conductor.finish()
        return (conductor, agent)
    }

    @Test("S71: A tool without an executor completes the turn; when the answer arrives, the model goes on")
    func pauseAndAnswer() async throws {
        let (conductor, agent) = try await Self.paused()
        try await waitFor { agent.journal.completes.count == 1 }
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try await conductor.history().last?.call("a")?.state == .inputAvailable)
        conductor.answer("a", "yes")
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 2 }
        let answer = try #require(try await conductor.history().last)
        #expect(answer.text == #"calling in step 0heard a="yes""#)
        let view = conductor.view()
        #expect(view.completes.map(\.finishReason) == [.toolCalls, .stop])
        #expect(view.completes.map(\.messageID) == ["s-answer-0", "s-answer-0"])
        #expect(view.isGapless)
        #expect(agent.journal.starts.map(\.identity.trigger) == [.message, .toolAnswer])
        #expect(agent.journal.completes.map { $0.newMessages.map(\.id) } == [["u1", "s-answer-0"], ["s-answer-0"]])
        #expect(agent.journal.completes.last?.responseMessage == answer)
    }

    @Test("S72: An answer with the stored message's id and only an output: the input survives, one assistant's message")
    func slimAnswer() async throws {
        let (conductor, _) = try await Self.paused()
        conductor.answer("a", ["city": "Oslo"])
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        let call = try #require(history.last?.call("a"))
        #expect(call.input == ["id": "a"])
        #expect(call.output == ["city": "Oslo"])
        #expect(call.state == .outputAvailable)
    }

    @Test("S73: An answer whose message id is new is attached by its call's id, and the new id never appears")
    func answerWithNewID() async throws {
        let (conductor, agent) = try await Self.paused()
        conductor.answer("a", "yes", of: "made-up")
        try await conductor.finish()
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        #expect(agent.journal.starts.last?.messages.map(\.id) == ["u1", "s-answer-0"])
        let bytes = conductor.log.events(0).compactMap(\.value).map { String(decoding: $0, as: UTF8.self) }
        #expect(!bytes.contains { $0.contains("made-up") })
    }

    @Test("S73, H9, S81: After another worker has taken over, an answer with a new id is attached all the same")
    func answerAfterTakeover() async throws {
        let (conductor, _) = try await Self.paused()
        try await conductor.revoke()
        let second = try ToolAgent(tools: [.ask()])
        try await conductor.start(second)
        conductor.answer("a", "yes", of: "made-up")
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.text == #"calling in step 0heard a="yes""#)
        #expect(second.journal.recoveries.isEmpty, "a pause is no death")
        #expect(second.journal.starts.map(\.identity.isContinuation) == [true])
        #expect(conductor.log.readings == 0)
    }

    @Test("S81: A host that is killed while the session waits costs nothing: the answer is taken up by the next one")
    func killedWhilePaused() async throws {
        let (conductor, _) = try await Self.paused()
        let death = conductor.kill()
        let second = try ToolAgent(tools: [.ask()])
        try await conductor.start(second, death: death)
        conductor.answer("a", "yes")
        try await conductor.finish()
        #expect(second.journal.recoveries.isEmpty)
        #expect(second.journal.prompts.map(\.run) == [1])
        #expect(try await conductor.history().last?.call("a")?.output == "yes")
    }

    @Test("S79: A later message of the user is answered, and the pending call is still pending and in no prompt")
    func laterMessage() async throws {
        let (conductor, agent) = try await Self.paused()
        conductor.say("never mind", id: "u2")
        try await conductor.finish()
        let start = try #require(agent.journal.starts.last)
        #expect(start.messages.map(\.id) == ["u1", "s-answer-0", "u2"])
        #expect(start.messages.pendingToolCalls.map(\.toolCallID) == ["a"])
        #expect(agent.journal.prompts.last?.messages.flatMap(\.calls).isEmpty == true)
        #expect(try await conductor.history()[1].call("a")?.state == .inputAvailable)
        #expect(conductor.view().completes.map(\.finishReason) == [.toolCalls, .stop])
    }

    @Test("A late answer, after the user has gone on, is put into its message, and its result reaches the model")
    func lateAnswer() async throws {
        let (conductor, agent) = try await Self.paused()
        conductor.say("never mind", id: "u2")
        try await conductor.finish()
        conductor.answer("a", "late")
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
        #expect(history[1].call("a")?.output == "late")
        #expect(history[1].text.hasSuffix(#"heard a="late""#))
        let prompt = try #require(agent.journal.prompts.last)
        #expect(prompt.messages.flatMap(\.calls).map(\.outcome) == [#"a="late""#])
        #expect(prompt.messages.map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test("Some of several calls answered: the others stay pending and in no prompt, until they are answered too")
    func partialAnswers() async throws {
        let (conductor, agent) = try await Self.paused("ask:a ask:b")
        conductor.answer("b", "two")
        try await conductor.finish()
        #expect(try await conductor.history().last?.calls.map(\.outcome) == ["a input-available", #"b="two""#])
        #expect(agent.journal.prompts.last?.continuation?.calls.map(\.outcome) == [#"b="two""#])
        #expect(try await conductor.history().pendingToolCalls.map(\.toolCallID) == ["a"])
        conductor.answer("a", "one")
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.calls.map(\.outcome) == [#"a="one""#, #"b="two""#])
        #expect(history.last?.text.hasSuffix(#"heard a="one" b="two""#) == true)
        #expect(history.pendingToolCalls.isEmpty)
    }

    @Test("An error as an answer is the call's error, and the model is told")
    func errorAnswer() async throws {
        let (conductor, _) = try await Self.paused()
        conductor.answer(
            [ToolPart(toolCallID: "a", toolName: "ask", state: .outputError, errorText: "nobody at home")],
            of: "s-answer-0")
        try await conductor.finish()
        #expect(try await conductor.history().last?.text.hasSuffix("heard a!nobody at home") == true)
    }

    @Test("A local call runs at once beside one that is answered from outside; the turn then waits")
    func localBesideExternal() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused(
            "echo:a ask:b", ToolAgent(tools: [.echo(executions), .ask()]))
        #expect(executions.calls == ["a"])
        #expect(agent.journal.prompts.count == 1)
        #expect(try await conductor.history().last?.calls.map(\.state) == [.outputAvailable, .inputAvailable])
        #expect(conductor.view().completes.map(\.finishReason) == [.toolCalls])
        conductor.answer("b", "yes")
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        #expect(try await conductor.history().last?.text.hasSuffix(#"heard a={"done":"a"} b="yes""#) == true)
    }

    @Test("A duplicate answer changes nothing and calls no model, also to another worker")
    func duplicateAnswer() async throws {
        let (conductor, agent) = try await Self.paused()
        conductor.answer("a", "yes")
        conductor.answer("a", "no")
        conductor.answer("a", "no", of: "made-up")
        try await conductor.finish()
        let answered = try await conductor.history()
        try await conductor.revoke()
        let second = try ToolAgent(tools: [.ask()])
        try await conductor.start(second)
        conductor.answer("a", "no")
        try await conductor.finish()
        #expect(agent.journal.prompts.count == 2)
        #expect(second.journal.prompts.isEmpty)
        #expect(try await conductor.history() == answered)
        #expect(answered.last?.call("a")?.output == "yes")
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(view.completes.count == 2)
        #expect(view.controls().map(\.subtype).filter { $0 == "duplicate" }.count == 3)
    }

    @Test("S80: Of one known and one new result, the new one twice, only the new one counts, and the first of them")
    func knownAndNew() async throws {
        let (conductor, agent) = try await Self.paused("ask:a ask:b")
        conductor.answer("a", "one")
        try await conductor.finish()
        let before = try await conductor.history()
        let wire = Message(
            id: "s-answer-0", role: .assistant,
            parts: [
                .output("a", "other"),
                ToolPart(toolCallID: "b", toolName: "ask", state: .outputError, errorText: "no idea"),
                .output("b", "second"),
            ].map(Part.tool))
        #expect(before.newToolResults(in: wire).map(\.toolCallID) == ["b"])
        #expect(before.newToolResults(in: wire).map(\.errorText) == ["no idea"])
        conductor.send([Request(kind: .message(wire))])
        try await conductor.finish()
        #expect(try await conductor.history().last?.calls.map(\.outcome) == [#"a="one""#, "b!no idea"])
        #expect(agent.journal.prompts.count == 3)
    }

    @Test("An assistant's message that answers no known call is set aside as rejected; the session goes on")
    func unknownAnswer() async throws {
        let (conductor, agent) = try await Self.paused()
        conductor.answer("other", "yes", of: "made-up")
        conductor.send(
            .message(Message(id: "chat", role: .assistant, parts: [.text(TextPart("I am the assistant"))])))
        conductor.answer("a", "yes")
        try await conductor.finish()
        #expect(agent.journal.prompts.count == 2)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        #expect(conductor.log.deadLetters.count == 2)
        for (index, letter) in conductor.log.deadLetters.enumerated() {
            #expect(letter.headers.last { $0.name == "cause" }?.value == Array("rejected".utf8))
            #expect(
                letter.headers.last { $0.name == "kafka_dlt-original-offset" }?.value == Array("\(index + 1)".utf8))
            #expect(letter.key == Array("s".utf8))
        }
        #expect(conductor.view().isGapless)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("An answer to a session that nobody knows is set aside, and its first message comes as if nothing had been")
    func answerToNobody() async throws {
        let conductor = try Conductor()
        let agent = try ToolAgent(tools: [.ask()])
        try await conductor.start(agent)
        conductor.answer("a", "yes")
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        #expect(conductor.log.deadLetters.count == 1)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        #expect(conductor.view().isGapless)
    }

    @Test("An answer that is first reached after its deadline is settled as expired without a model call")
    func expiredAnswer() async throws {
        let (conductor, agent) = try await Self.paused()
        conductor.now = 2_000_000
        conductor.answer([.output("a", "late")], of: "s-answer-0", deadline: Timestamp(milliseconds: 1_999_999))
        try await conductor.finish()
        #expect(conductor.view().controls().last?.subtype == "expired")
        #expect(agent.journal.prompts.count == 1)
        #expect(try await conductor.history().last?.call("a")?.state == .inputAvailable)
        conductor.answer([.output("a", "in time")], of: "s-answer-0", deadline: Timestamp(milliseconds: 2_000_000))
        try await conductor.finish()
        #expect(try await conductor.history().last?.call("a")?.output == "in time")
    }

    @Test("A stop while the session waits for an answer has no effect, then or later")
    func stopWhilePaused() async throws {
        let (conductor, _) = try await Self.paused()
        let before = try await conductor.history()
        conductor.send(.stop(reason: nil))
        try await conductor.finish()
        #expect(try await conductor.history() == before)
        conductor.answer("a", "yes")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.stopped) == [false, false])
        #expect(try await conductor.history().last?.call("a")?.output == "yes")
    }

    @Test("An agent that keeps the history goes on with its own message, also on a worker that has just booted")
    func hydratedAnswer() async throws {
        let stored = Journal()
        @Sendable func transcript() -> [Message] { stored.completes.last?.messages ?? [] }
        let conductor = try Conductor()
        var agent = ToolAgent(journal: stored, tools: [try .ask()])
        agent.ownsHistory = true
        agent.onHydrating = { $0.upserting(into: transcript()) }
        try await conductor.start(agent)
        conductor.say("ask:a", id: "u1")
        try await conductor.finish()
        try await waitFor { stored.completes.count == 1 }
        try await conductor.revoke()
        try await conductor.start(agent)
        conductor.answer("a", "yes")
        try await conductor.finish()
        try await waitFor { stored.completes.count == 2 }
        #expect(transcript().map(\.id) == ["u1", "s-answer-0"])
        #expect(transcript().last?.text == #"calling in step 0heard a="yes""#)
    }

    @Test("An answer waits for its turn, whatever the agent does with messages that come while it is busy")
    func answerWhileBusy() async throws {
        for policy in [BusyPolicy.reject, .interrupt, .steer] {
            let latch = Latch()
            var agent = ToolAgent(tools: [try .ask()], onStart: { if $0.identity.turn == 1 { await latch.wait() } })
            agent.onBusy = policy
            let (conductor, _) = try await Self.paused("ask:a", agent)
            conductor.say("meanwhile", id: "u2")
            try await waitFor { latch.waiting == 1 }
            conductor.answer("a", "yes")
            latch.open()
            try await conductor.finish()
            #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed, .completed], "\(policy)")
            #expect(try await conductor.history()[1].call("a")?.output == "yes", "\(policy)")
        }
    }
}
