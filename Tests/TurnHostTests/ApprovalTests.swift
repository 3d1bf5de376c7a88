import ChatAgent
import Conversation
import LanguageModels
import Testing
import TurnHost

@Suite("Calls that somebody has to allow")
struct ApprovalTests {
    private static func paused(
        _ question: String = "echo:a", _ tool: Tool
    ) async throws -> (Conductor, ToolAgent) {
        let conductor = try Conductor()
        let agent = ToolAgent(tools: [tool])
        try await conductor.start(agent)
        conductor.say(question, id: "u1")
        try await conductor.finish()
        return (conductor, agent)
    }

    @Test("S75: Before it is granted a call does not run; then it runs once, and its result feeds the answer")
    func granted() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a", .echo(executions, approval: .always))
        #expect(executions.calls.isEmpty)
        let asked = try #require(try await conductor.history().last?.call("a"))
        #expect(asked.state == .approvalRequested)
        #expect(asked.approval?.id == "approval-a")
        #expect(conductor.view().completes.map(\.finishReason) == [.toolCalls])
        #expect(conductor.view().words(turn: 0).contains("tool-approval-request"))
        conductor.allow("a")
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        let call = try #require(history.last?.call("a"))
        #expect(call.state == .outputAvailable)
        #expect(call.input == ["id": "a"])
        #expect(call.approval?.approved == true)
        #expect(history.last?.text == #"calling in step 0heard a={"done":"a"}"#)
        #expect(agent.journal.prompts.count == 2)
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(view.words(turn: 1).prefix(3) == ["turn-start", "start", "start-step"])
        let wire = Message(id: "s-answer-0", role: .assistant, parts: [.tool(.approval("a", true))])
        #expect(try view.message(turns: [0, 1], answers: [wire]) == history.last)
    }

    @Test("S75: A refused call does not run, becomes output-denied, and the model is told")
    func denied() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a", .echo(executions, approval: .always))
        conductor.allow("a", false)
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        let call = try #require(try await conductor.history().last?.call("a"))
        #expect(call.state == .outputDenied)
        #expect(call.approval?.approved == false)
        #expect(call.approval?.reason == "not today")
        #expect(conductor.view().words(turn: 1).contains("tool-output-denied"))
        #expect(agent.journal.prompts.last?.continuation?.call("a")?.state == .outputDenied)
        #expect(agent.journal.prompts.last?.continuation?.call("a")?.approval?.reason == "not today")
        #expect(try await conductor.history().last?.text.hasSuffix("heard a output-denied") == true)
    }

    @Test("S76: A refusal stays one: a late grant changes nothing, runs nothing and calls no model")
    func lateGrant() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a", .echo(executions, approval: .always))
        conductor.allow("a", false)
        try await conductor.finish()
        let before = try await conductor.history()
        conductor.allow("a", true)
        try await conductor.finish()
        try await conductor.revoke()
        let second = ToolAgent(tools: [try .echo(executions)])
        try await conductor.start(second)
        conductor.allow("a", true)
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        #expect(agent.journal.prompts.count == 2)
        #expect(second.journal.prompts.isEmpty)
        #expect(try await conductor.history() == before)
    }

    @Test("A grant that comes twice runs the tool once")
    func duplicateGrant() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a", .echo(executions, approval: .always))
        conductor.allow("a")
        conductor.allow("a")
        conductor.allow("a", false)
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        #expect(agent.journal.prompts.count == 2)
        #expect(conductor.view().controls().map(\.subtype).filter { $0 == "duplicate" }.count == 2)
    }

    @Test("Nobody can grant a call that nobody asked about, nor answer another question")
    func forgedGrant() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a", .echo(executions, approval: .always))
        var forged = ToolPart.approval("a", true)
        forged.approval?.id = "another"
        conductor.answer([forged], of: "s-answer-0")
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        #expect(agent.journal.prompts.count == 1)
        #expect(try await conductor.history().last?.call("a")?.state == .approvalRequested)
    }

    @Test("Whether a call has to be allowed is a function of its input")
    func dependsOnInput() async throws {
        let executions = Executions()
        let tool = try Tool.echo(executions, approval: .when { $0.input["id"] == "risky" })
        let (conductor, agent) = try await Self.paused("echo:safe; echo:risky", tool)
        #expect(executions.calls == ["safe"])
        #expect(agent.journal.prompts.count == 2)
        #expect(
            try await conductor.history().last?.calls.map(\.state) == [.outputAvailable, .approvalRequested])
    }

    @Test("An approval function that throws has the call wait: nothing runs that nobody could judge")
    func throwingJudge() async throws {
        let executions = Executions()
        let tool = try Tool.echo(executions, approval: .when { _ in throw ToolError("cannot say") })
        let (conductor, _) = try await Self.paused("echo:a", tool)
        #expect(executions.calls.isEmpty)
        #expect(try await conductor.history().last?.call("a")?.state == .approvalRequested)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test("Of several calls those that need no leave run at once; the model goes on when the others are answered")
    func someNeedLeave() async throws {
        let executions = Executions()
        let tool = try Tool.echo(executions, approval: .when { $0.id.hasPrefix("risky") })
        let (conductor, agent) = try await Self.paused("echo:risky1 echo:safe echo:risky2", tool)
        #expect(executions.calls == ["safe"])
        #expect(agent.journal.prompts.count == 1)
        #expect(
            try await conductor.history().last?.calls.map(\.state) == [
                .approvalRequested, .outputAvailable, .approvalRequested,
            ])
        conductor.answer([.approval("risky1", true), .approval("risky2", false)], of: "s-answer-0")
        try await conductor.finish()
        #expect(executions.calls == ["safe", "risky1"])
        #expect(
            try await conductor.history().last?.calls.map(\.state) == [
                .outputAvailable, .outputAvailable, .outputDenied,
            ])
        #expect(agent.journal.prompts.count == 2)
    }

    @Test("One of two questions answered: that call runs, the other still waits and can be granted later")
    func answeredOneByOne() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a echo:b", .echo(executions, approval: .always))
        conductor.allow("b")
        try await conductor.finish()
        #expect(executions.calls == ["b"])
        #expect(try await conductor.history().last?.calls.map(\.state) == [.approvalRequested, .outputAvailable])
        #expect(agent.journal.prompts.last?.continuation?.calls.map(\.toolCallID) == ["b"])
        conductor.allow("a")
        try await conductor.finish()
        #expect(executions.calls == ["b", "a"])
        #expect(try await conductor.history().last?.calls.map(\.state) == [.outputAvailable, .outputAvailable])
        #expect(try await conductor.history().count == 2)
    }

    @Test("A grant that comes after the user has gone on runs the tool, and its result reaches the model")
    func lateGrantAfterMessage() async throws {
        let executions = Executions()
        let (conductor, agent) = try await Self.paused("echo:a", .echo(executions, approval: .always))
        conductor.say("never mind", id: "u2")
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        conductor.allow("a")
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
        #expect(history[1].call("a")?.state == .outputAvailable)
        #expect(agent.journal.prompts.last?.messages.flatMap(\.calls).map(\.outcome) == [#"a={"done":"a"}"#])
        #expect(history[1].text.hasSuffix(#"heard a={"done":"a"}"#))
    }

    @Test("A stop while a tool runs cancels it: the unfinished call is gone, what was finished is kept")
    func stopDuringTool() async throws {
        let executions = Executions()
        let latch = Latch()
        let tool = try Tool.echo(executions) { call in
            if call.id == "quick" { return "done" }
            latch.open()
            try await Task.sleep(for: .seconds(60))
            return "never"
        }
        let conductor = try Conductor()
        let agent = ToolAgent(tools: [tool])
        try await conductor.start(agent)
        conductor.say("echo:quick; echo:slow", id: "u1")
        await latch.wait()
        conductor.send(.stop(reason: "enough"))
        try await conductor.finish()
        try await waitFor { executions.running == 0 }
        let answer = try #require(try await conductor.history().last)
        #expect(answer.calls.map(\.outcome) == [#"quick="done""#])
        #expect(conductor.view().completes.map(\.stopped) == [true])
        #expect(conductor.view().words(turn: 0).suffix(2) == ["abort", "turn-complete"])
        conductor.say("go on", id: "u2")
        try await conductor.finish()
        #expect(agent.journal.prompts.last?.messages.flatMap(\.calls).map(\.toolCallID) == ["quick"])
    }

    @Test("A stop while a granted call of an earlier turn runs gives that call an error as its result")
    func stopDuringGrantedCall() async throws {
        let latch = Latch()
        let tool = try Tool.echo(Executions(), approval: .always) { _ in
            latch.open()
            try await Task.sleep(for: .seconds(60))
            return "never"
        }
        let (conductor, _) = try await Self.paused("echo:a", tool)
        conductor.allow("a")
        await latch.wait()
        conductor.send(.stop(reason: nil))
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.call("a")?.state == .outputError)
        #expect(history.last?.call("a")?.isSettled == true)
        let view = conductor.view()
        #expect(view.completes.map(\.stopped) == [false, true])
        #expect(view.words(turn: 1) == ["turn-start", "start", "tool-output-error", "abort", "turn-complete"])
        let wire = Message(id: "s-answer-0", role: .assistant, parts: [.tool(.approval("a", true))])
        #expect(try view.message(turns: [0, 1], answers: [wire]) == history.last)
        conductor.allow("a")
        try await conductor.finish()
        #expect(view.completes.count == conductor.view().completes.count, "a settled call can't be granted again")
    }

    @Test("A granted call whose tool is not there any more has an error as its result")
    func grantedToolGone() async throws {
        let (conductor, _) = try await Self.paused("echo:a", .echo(Executions(), approval: .always))
        try await conductor.revoke()
        try await conductor.start(ToolAgent(tools: [try .ask()]))
        conductor.allow("a")
        try await conductor.finish()
        #expect(try await conductor.history().last?.call("a")?.state == .outputError)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("A hook that turns a grant into a refusal is heeded, also by the run that takes over from a dead one")
    func validatedGrant() async throws {
        for kill in [nil, TurnStep.afterBeginRun, .midStream, .beforeSettle] {
            let executions = Executions()
            let tool = try Tool.echo(executions, approval: .always)
            let validating: @Sendable (ValidationEvent) async throws -> Message = { event in
                guard event.message.role == .assistant else { return event.message }
                return Message(id: event.message.id, role: .assistant, parts: [.tool(.approval("a", false))])
            }
            let conductor = try Conductor()
            try await conductor.start(ToolAgent(tools: [tool], onValidating: validating))
            conductor.say("echo:a", id: "u1")
            try await conductor.finish()
            try await conductor.revoke()
            try await conductor.start(
                ToolAgent(tools: [tool], onValidating: validating), killAt: kill.map { .init(step: $0) })
            conductor.allow("a")
            if kill != nil {
                let death = try await conductor.waitForDeath()
                try await conductor.start(ToolAgent(tools: [tool], onValidating: validating), death: death)
            }
            try await conductor.finish()
            #expect(executions.calls.isEmpty, "\(kill?.rawValue ?? "")")
            #expect(try await conductor.history().last?.call("a")?.state == .outputDenied, "\(kill?.rawValue ?? "")")
        }
    }
}
