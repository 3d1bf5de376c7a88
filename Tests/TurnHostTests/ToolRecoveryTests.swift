import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Calls of a run that died")
struct ToolRecoveryTests {
    /// A conductor whose first host died at `step` of the answer to `question`.
    private static func dead(
        _ question: String, _ tools: ToolSet, at step: TurnStep, occurrence: Int = 1
    ) async throws -> (Conductor, HostDeath?) {
        let conductor = try Conductor()
        try await conductor.start(ToolAgent(tools: tools), killAt: .init(step: step, occurrence: occurrence))
        conductor.say(question, id: "u1")
        return (conductor, try await conductor.waitForDeath())
    }

    /// A tool that has the first host die in the middle of a call.
    private static func deadly(_ conductor: Conductor, _ executions: Executions) throws -> Tool {
        try .echo(executions) { [weak conductor] _ in
            conductor?.hosts.first?.lifeline.cut()
            return "unheard"
        }
    }

    @Test("S37: The hook is told of the cleaned partial, and of the call in it that had no result, with its input")
    func hookSeesCalls() async throws {
        let (conductor, death) = try await Self.dead("echo:a", [try .echo(Executions())], at: .beforeTool)
        let agent = ToolAgent(tools: [try .echo(Executions())])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let event = try #require(agent.journal.recoveries.first)
        #expect(event.partialAssistant.parts.filter { if case .stepStart = $0 { false } else { true } }.count == 1)
        #expect(event.partialAssistant.text == "calling in step 0")
        #expect(event.pendingToolCalls.map(\.toolCallID) == ["a"])
        #expect(event.pendingToolCalls.map(\.toolName) == ["echo"])
        #expect(event.pendingToolCalls.map(\.input) == [["id": "a"]])
    }

    /// Calls at once, without a word.
    private struct SilentModel: LanguageModel {
        let name = "silent"

        func generate(
            _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
        ) async throws -> ModelResponse {
            if let calls = request.continuation?.calls, !calls.isEmpty {
                return try await CallingModel().generate(request, emit: emit)
            }
            try await emit(.toolInputAvailable(toolCallID: "a", toolName: "echo", input: ["id": "a"]))
            return ModelResponse(finishReason: .toolCalls)
        }
    }

    @Test("S40: A partial that is nothing but a call without a result: dropped if nobody has the tool, made if so")
    func onlyACall() async throws {
        for isDeclared in [true, false] {
            let executions = Executions()
            let conductor = try Conductor()
            let first = ToolAgent(tools: [try .echo(Executions())], model: SilentModel())
            try await conductor.start(first, killAt: .init(step: .beforeTool))
            conductor.say("echo:a", id: "u1")
            let death = try await conductor.waitForDeath()
            let tools: ToolSet = isDeclared ? [try .echo(executions, doubt: .runAgain)] : [try .ask()]
            let second = ToolAgent(tools: tools)
            try await conductor.start(second, death: death)
            try await conductor.finish()
            #expect(second.journal.recoveries.isEmpty, "nothing of an answer is left after cleaning")
            let recovered = conductor.view().controls().compactMap { control -> String? in
                if case .recovered(_, _, let policy, let partial) = control { "\(policy) \(partial)" } else { nil }
            }
            #expect(recovered == [isDeclared ? "continue true" : "run-again false"])
            let answer = try #require(try await conductor.history().last)
            #expect(try conductor.view().answer(turn: 0) == answer)
            #expect(conductor.view().isGapless)
            if isDeclared {
                #expect(executions.calls == ["a"])
                #expect(answer.call("a")?.state == .outputAvailable)
            } else {
                #expect(conductor.view().words(turn: 0).contains("superseded"))
                #expect(second.journal.prompts.first?.continuation?.calls.isEmpty ?? true)
            }
        }
    }

    enum Doubt: String, CaseIterable, Sendable {
        case reportUnknown, runAgain, done, failed, notDone, unknown, throwing, slow

        var policy: Tool.Doubt {
            switch self {
            case .reportUnknown: .reportUnknown
            case .runAgain: .runAgain
            case .done: .reconcile { _ in .done("found") }
            case .failed: .reconcile { _ in .failed("it had failed") }
            case .notDone: .reconcile { _ in .notDone }
            case .unknown: .reconcile { _ in .unknown }
            case .throwing: .reconcile { _ in throw ToolError("no way to find out") }
            case .slow:
                .reconcile { _ in
                    try await Task.sleep(for: .seconds(600))
                    return .notDone
                }
            }
        }

        /// How often the second host makes the call, and what comes of it.
        var expected: (Int, String) {
            switch self {
            case .reportUnknown, .unknown, .throwing, .slow: (0, "unknown")
            case .runAgain, .notDone: (1, #"a={"done":"a"}"#)
            case .done: (0, #"a="found""#)
            case .failed: (0, "a!it had failed")
            }
        }
    }

    enum Death: String, CaseIterable, Sendable { case before, inside, after }

    @Test("A call in doubt is settled as its tool says", arguments: Doubt.allCases, Death.allCases)
    func inDoubt(_ doubt: Doubt, _ moment: Death) async throws {
        let conductor = try Conductor()
        var tool = moment == .inside ? try Self.deadly(conductor, Executions()) : try .echo(Executions())
        tool.doubt = doubt.policy
        let step: TurnStep? = moment == .before ? .beforeTool : moment == .after ? .afterTool : nil
        try await conductor.start(ToolAgent(tools: [tool]), killAt: step.map { .init(step: $0) })
        conductor.say("echo:a", id: "u1")
        let death = try await conductor.waitForDeath()
        let executions = Executions()
        let timeout = doubt == .slow ? Duration.milliseconds(20) : .seconds(60)
        let again = try Tool.echo(executions, timeout: timeout, doubt: doubt.policy)
        let agent = ToolAgent(tools: [again])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let (count, outcome) = doubt.expected
        #expect(executions.count("a") == count)
        let answer = try #require(try await conductor.history().last)
        #expect(answer.calls.map(\.toolCallID) == ["a"])
        #expect(answer.call("a")?.outcome.contains(outcome) == true)
        #expect(answer.text.contains("heard a"))
        #expect(answer.call("a")?.input == ["id": "a"])
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(try view.answer(turn: 0) == answer)
        #expect(view.completes.map(\.outcome) == [.completed])
        #expect(agent.journal.calls(of: "s", turn: 0) == 1)
    }

    @Test("A call whose reconciler finds an error of any length does not cost the turn")
    func largeReconciliation() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.maximumEventBytes = 10_000
        }
        try await conductor.start(ToolAgent(tools: [try .echo(Executions())]), killAt: .init(step: .afterTool))
        conductor.say("echo:a", id: "u1")
        let death = try await conductor.waitForDeath()
        let text = String(repeating: "x", count: 20_000)
        let tool = try Tool.echo(Executions(), doubt: .reconcile { _ in .failed(text) })
        try await conductor.start(ToolAgent(tools: [tool]), death: death)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try await conductor.history().last?.call("a")?.state == .outputError)
    }

    @Test("A preliminary output is no result: a call that had only that when its run died is in doubt")
    func preliminaryInDoubt() async throws {
        for doubt in [Tool.Doubt.reportUnknown, .runAgain] {
            let conductor = try Conductor()
            let tool = try Tool.echo(Executions(), doubt: doubt) { [weak conductor] call in
                try await call.report("half")
                conductor?.hosts.first?.lifeline.cut()
                return "unheard"
            }
            try await conductor.start(ToolAgent(tools: [tool]))
            conductor.say("echo:a", id: "u1")
            let death = try await conductor.waitForDeath()
            let executions = Executions()
            let agent = ToolAgent(tools: [try .echo(executions, doubt: doubt)])
            try await conductor.start(agent, death: death)
            try await conductor.finish()
            let call = try #require(try await conductor.history().last?.call("a"))
            #expect(call.isSettled)
            #expect(call.preliminary != true)
            if case .runAgain = doubt {
                #expect(executions.calls == ["a"])
                #expect(call.output == ["done": "a"])
            } else {
                #expect(executions.calls.isEmpty)
                #expect(call.errorText?.contains("unknown") == true)
            }
            #expect(try conductor.view().answer(turn: 0) == (try await conductor.history().last))
        }
    }

    @Test("A granted call that had only a preliminary output when its run died is in doubt")
    func grantedPreliminaryInDoubt() async throws {
        let conductor = try Conductor()
        try await conductor.start(ToolAgent(tools: [try .echo(Executions(), approval: .always)]))
        conductor.say("echo:a", id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        let tool = try Tool.echo(Executions(), approval: .always) { [weak conductor] call in
            try await call.report("half")
            conductor?.hosts.dropFirst().first?.lifeline.cut()
            return "unheard"
        }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.allow("a")
        let death = try await conductor.waitForDeath()
        let executions = Executions()
        try await conductor.start(ToolAgent(tools: [try .echo(executions, approval: .always)]), death: death)
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        let call = try #require(try await conductor.history().last?.call("a"))
        #expect(call.state == .outputError)
        #expect(call.errorText?.contains("unknown") == true)
    }

    @Test("A call that was complete, and whose tool had not begun, is simply made")
    func notBegun() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        // It dies before the intent is on record: while the call is judged.
        let judge = Tool.Approval.when { [weak conductor] _ in
            try await waitFor { conductor?.view().words(turn: 0).contains("tool-input-available") ?? true }
            conductor?.hosts.first?.lifeline.cut()
            await latch.wait()
            return false
        }
        try await conductor.start(ToolAgent(tools: [try .echo(Executions(), approval: judge)]))
        conductor.say("echo:a", id: "u1")
        let death = try await conductor.waitForDeath()
        latch.open()
        let executions = Executions()
        let agent = ToolAgent(tools: [try .echo(executions)])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        #expect(try await conductor.history().last?.call("a")?.output == ["done": "a"])
        #expect(agent.journal.prompts.count == 1, "the call had been asked for already")
    }

    @Test(
        "A dead run's settled results are kept and not made again, with or without their tools",
        arguments: [true, false])
    func settledResults(isDeclared: Bool) async throws {
        let first = Executions()
        let tool = try Tool.echo(first, doubt: .runAgain)
        let (conductor, death) = try await Self.dead(
            "echo:a echo:b; echo:c", [tool], at: .afterTool, occurrence: 3)
        let executions = Executions()
        let agent = ToolAgent(
            tools: isDeclared ? [try .echo(executions, doubt: .runAgain)] : ToolSet([try .ask()], undeclared: .fails))
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let answer = try #require(try await conductor.history().last)
        #expect(answer.call("a")?.output == ["done": "a"])
        #expect(answer.call("b")?.output == ["done": "b"])
        #expect(executions.count("a") + executions.count("b") == 0)
        #expect(executions.calls == (isDeclared ? ["c"] : []))
        #expect(try conductor.view().answer(turn: 0) == answer)
        #expect(conductor.view().isGapless)
    }

    @Test("A result beside a call that is forgotten is kept, told again, and not made again")
    func resultBesideForgottenCall() async throws {
        let conductor = try Conductor()
        let old = try Tool.echo(Executions(), name: "old") { [weak conductor] _ in
            try await waitFor { try conductor?.view().answer(turn: 0).call("a")?.state == .outputAvailable }
            conductor?.hosts.first?.lifeline.cut()
            return "unheard"
        }
        try await conductor.start(ToolAgent(tools: [try .echo(Executions()), old]))
        conductor.say("old:x echo:a", id: "u1")
        let death = try await conductor.waitForDeath()
        let executions = Executions()
        let agent = ToolAgent(tools: [try .echo(executions)])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let answer = try #require(try await conductor.history().last)
        #expect(executions.count("a") == 0)
        #expect(answer.call("a")?.output == ["done": "a"])
        #expect(answer.call("x") == nil)
        #expect(try conductor.view().answer(turn: 0) == answer)
        #expect(conductor.view().isGapless)
        #expect(agent.journal.prompts.first?.continuation?.calls.map(\.toolCallID) == ["a"])
    }

    @Test("A turn that was to wait for an answer from outside, and whose host died, waits for it")
    func deadBeforePause() async throws {
        let (conductor, death) = try await Self.dead("ask:a", [try .ask()], at: .midStream, occurrence: 4)
        let agent = ToolAgent(tools: [try .ask()])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(try await conductor.history().last?.calls.map(\.outcome) == ["a input-available"])
        #expect(conductor.view().completes.map(\.finishReason) == [.toolCalls])
        conductor.answer("a", "yes")
        try await conductor.finish()
        #expect(try await conductor.history().last?.text.hasSuffix(#"heard a="yes""#) == true)
    }

    @Test("S82, H7, H8: An answered call's turn that dies goes on in the one message, with its earlier parts")
    func interruptedAnswer() async throws {
        let conductor = try Conductor()
        try await conductor.start(ToolAgent(tools: [try .ask()]))
        conductor.say("ask:a", id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        try await conductor.start(ToolAgent(tools: [try .ask()]), killAt: .init(step: .midStream))
        conductor.answer("a", "yes")
        let death = try await conductor.waitForDeath()
        let agent = ToolAgent(tools: [try .ask()])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.text == #"calling in step 0heard a="yes""#)
        #expect(history.last?.calls.map(\.outcome) == [#"a="yes""#])
        let event = try #require(agent.journal.recoveries.first)
        #expect(event.partialAssistant.id == "s-answer-0")
        #expect(event.partialAssistant.text.hasPrefix("calling in step 0"))
        #expect(event.partialAssistant.call("a")?.output == "yes")
        #expect(event.inFlightUsers.isEmpty, "the answer is no message of the user")
        for prompt in agent.journal.prompts {
            let ids = (prompt.messages + [prompt.continuation].compactMap(\.self)).map(\.id)
            #expect(Set(ids).count == ids.count)
        }
        let wire = Message(id: "s-answer-0", role: .assistant, parts: [.tool(.output("a", "yes"))])
        #expect(try conductor.view().message(turns: [0, 1], answers: [wire]) == history.last)
    }

    @Test("S82: An interrupted answer that waits for the user's next message keeps its earlier parts, once")
    func interruptedAnswerThatWaits() async throws {
        let conductor = try Conductor()
        try await conductor.start(ToolAgent(tools: [try .ask()]))
        conductor.say("ask:a", id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        try await conductor.start(ToolAgent(tools: [try .ask()]), killAt: .init(step: .midStream))
        conductor.answer("a", "yes")
        let death = try await conductor.waitForDeath()
        conductor.say("go on", id: "u2")
        let agent = ToolAgent(tools: [try .ask()])
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-2"])
        #expect(history[1].text.hasPrefix("calling in step 0heard"))
        #expect(history[1].call("a")?.output == "yes")
        #expect(agent.journal.prompts.map { $0.messages.map(\.id) } == [["u1", "s-answer-0", "u2"]])
    }

    @Test("A recovery hook that leaves a dead answer as it is drops nothing of the history")
    func hookLeavesAnswer() async throws {
        let conductor = try Conductor()
        try await conductor.start(ToolAgent(tools: [try .ask()]))
        conductor.say("ask:a", id: "u1")
        conductor.say("meanwhile", id: "u2")
        try await conductor.finish()
        try await conductor.revoke()
        try await conductor.start(ToolAgent(tools: [try .ask()]), killAt: .init(step: .midStream))
        conductor.answer("a", "yes")
        let death = try await conductor.waitForDeath()
        let agent = ToolAgent(tools: [try .ask()], onRecovery: { _ in RecoveryBootResult(recoveredTurns: []) })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.recoveries.count == 1)
        #expect(agent.journal.prompts.isEmpty)
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
        #expect(history[1].call("a")?.output == "yes")
        #expect(conductor.view().isGapless)
    }

    @Test("A turn that is handed over while a tool runs: the next owner treats the call as one in doubt")
    func handedOverDuringTool() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let tool = try Tool.echo(Executions()) { _ in
            latch.open()
            try await Task.sleep(for: .seconds(60))
            return "never"
        }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:a", id: "u1")
        await latch.wait()
        try await conductor.revoke()
        let executions = Executions()
        let agent = ToolAgent(tools: [try .echo(executions)])
        try await conductor.start(agent)
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        #expect(agent.journal.recoveries.isEmpty)
        #expect(try await conductor.history().last?.call("a")?.errorText?.contains("unknown") == true)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }
}
