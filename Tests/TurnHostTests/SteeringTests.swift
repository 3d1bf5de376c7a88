import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Messages that join the turn that runs")
struct SteeringTests {
    /// An agent whose answers call a tool that waits, so that messages can come before the boundary behind it.
    private struct Stage {
        let latch = Latch()
        let agent: HookAgent

        init(injecting: @escaping @Sendable (SteeringEvent) async throws -> Bool = { _ in true }) throws {
            var agent = HookAgent(onBusy: .steer, injecting: injecting)
            let schema = try JSONSchema(.object(JSONObject()))
            agent.toolSet = [
                Tool("wait", description: "waits", input: schema, doubt: .runAgain) { [latch] _ in
                    await latch.wait()
                    return .string("waited")
                }
            ]
            self.agent = agent
        }
    }

    private static let question = "#script\nsay first\ntool wait {}\nsay second third"
    private static let other = "#script\nsay other words"

    private static func notices(_ conductor: Conductor) -> Int {
        conductor.view().chunks(turn: 0).count { $0.type == "data-pending-message-injected" }
    }

    @Test(
        "S97: A message that the agent wants joins at the next boundary: notice, prompt, transcript, and no turn of its own"
    )
    func joins() async throws {
        let conductor = try Conductor()
        let stage = try Stage()
        try await conductor.start(stage.agent)
        conductor.say(Self.question, id: "u1")
        try await waitFor { stage.latch.waiting == 1 }
        conductor.say(Self.other, id: "u2")
        conductor.say(Self.other, id: "u3")
        stage.latch.open()
        try await conductor.finish(stage.agent, turns: 1)
        #expect(stage.agent.journal.count(.inject) == 1)
        #expect(Self.notices(conductor) == 1)
        let prompt = try #require(stage.agent.journal.prompts.last)
        #expect(prompt.messages.map(\.role) == [.user, .assistant, .user, .user])
        #expect(prompt.messages.map(\.id) == ["u1", "s-answer-0", "u2", "u3"])
        #expect(prompt.messages[1].parts.contains { if case .tool = $0 { true } else { false } }, "behind the calls")
        #expect(try await conductor.history().map(\.id) == ["u1", "u2", "u3", "s-answer-0"])
        #expect(try await conductor.history().last?.text == "firstother words")
        #expect(conductor.subtypes == ["turn-start", "turn-complete", "skipped", "skipped"])
        #expect(conductor.view().isGapless)
        #expect(stage.agent.journal.completes.first?.newMessages.map(\.id) == ["u1", "u2", "u3", "s-answer-0"])
        #expect(try await conductor.history().last == conductor.view().answer(turn: 0))
        conductor.say("#script\nprompt", id: "u4")
        try await conductor.finish(stage.agent, turns: 2)
        #expect(
            stage.agent.journal.promptIDs.last == ["u1", "s-answer-0", "u2", "u3", "s-answer-0", "u4"],
            "later prompts show the messages where they joined")
    }

    @Test("A message joins as the agent lets it in, and one that it refuses fails in a turn of its own")
    func validated() async throws {
        let conductor = try Conductor()
        var stage = try Stage().agent
        let latch = Latch()
        stage.toolSet = [
            Tool("wait", description: "waits", input: try JSONSchema(.object(JSONObject())), doubt: .runAgain) { _ in
                await latch.wait()
                return .string("waited")
            }
        ]
        stage.validating = { event in
            if event.message.id == "u3" { throw TurnError(code: "refused", message: "not this") }
            var message = event.message
            if message.id == "u2" { message.parts = [.text(TextPart("#script\nsay mild words"))] }
            return message
        }
        try await conductor.start(stage)
        conductor.say(Self.question, id: "u1")
        try await waitFor { latch.waiting == 1 }
        for id in ["u2", "u3", "u4"] { conductor.say(Self.other, id: id) }
        latch.open()
        try await conductor.finish(stage, turns: 3)
        #expect(try conductor.view().answer(turn: 0).text == "firstmild words")
        #expect(try await conductor.history().first { $0.id == "u2" }?.text == "#script\nsay mild words")
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .failed, .completed])
    }

    @Test("S97, H11: A message that the agent does not want is dropped by nobody: it becomes the next turn")
    func declined() async throws {
        for isThrowing in [false, true] {
            let conductor = try Conductor()
            let stage = try Stage(injecting: { _ in
                if isThrowing { throw TurnError(code: "no", message: "no") }
                return false
            })
            try await conductor.start(stage.agent)
            conductor.say(Self.question, id: "u1")
            try await waitFor { stage.latch.waiting == 1 }
            conductor.say(Self.other, id: "u2")
            stage.latch.open()
            try await conductor.finish(stage.agent, turns: 2)
            #expect(Self.notices(conductor) == 0)
            #expect(conductor.view().completes.map(\.turn) == [0, 1])
            #expect(
                try await conductor.history().map(\.text) == [
                    Self.question, "firstsecond third", Self.other, "other words",
                ])
        }
    }

    @Test("H11: An action, a regenerate and what is behind them wait while messages join")
    func onlyMessages() async throws {
        let conductor = try Conductor()
        let stage = try Stage()
        var agent = stage.agent
        agent.acting = { _ in }
        try await conductor.start(agent)
        conductor.say(Self.question, id: "u1")
        try await waitFor { stage.latch.waiting == 1 }
        conductor.say("joins", id: "u2")
        conductor.send(.action(.null))
        conductor.say("waits", id: "u3")
        conductor.send(.close(reason: nil))
        stage.latch.open()
        try await conductor.finish(agent, turns: 2)
        #expect(
            conductor.subtypes == [
                "turn-start", "turn-complete", "skipped", "action-complete", "turn-start", "turn-complete", "closed",
            ])
        #expect(try await conductor.history().map(\.id) == ["u1", "u2", "s-answer-0", "u3", "s-answer-1"])
    }

    @Test(
        "A message that would be no turn joins none: the expired, the duplicate of another, and the running one's own")
    func noTurns() async throws {
        let conductor = try Conductor()
        conductor.now = 2_000
        let stage = try Stage()
        try await conductor.start(stage.agent)
        conductor.say("#script\nsay zero", id: "u0", key: "k0")
        try await conductor.finish(stage.agent, turns: 1)
        conductor.say(Self.question, id: "u1", key: "k1")
        try await waitFor { stage.latch.waiting == 1 }
        conductor.send([
            Request(kind: .message(.user(id: "late", text: "late")), deadline: Timestamp(milliseconds: 1_999)),
            Request(kind: .message(.user(id: "old", text: "old")), idempotencyKey: "k0"),
            Request(kind: .message(.user(id: "again", text: "again")), idempotencyKey: "k1"),
            Request(kind: .message(.user(id: "u2", text: Self.other)), idempotencyKey: "k2"),
            Request(kind: .message(.user(id: "u2b", text: Self.other)), idempotencyKey: "k2"),
            Request(kind: .message(.user(id: "u3", text: Self.other)), deadline: Timestamp(milliseconds: 2_000)),
        ])
        stage.latch.open()
        try await conductor.finish(stage.agent, turns: 2)
        #expect(try await conductor.history().map(\.id) == ["u0", "s-answer-0", "u1", "u2", "u3", "s-answer-1"])
        #expect(
            conductor.subtypes.suffix(6) == ["expired", "duplicate", "duplicate", "skipped", "duplicate", "skipped"])
    }

    @Test("A message that joined in time is not expired by the time that its request is reached")
    func joinedInTime() async throws {
        let conductor = try Conductor()
        conductor.now = 2_000
        let stage = try Stage()
        try await conductor.start(stage.agent)
        conductor.say(Self.question, id: "u1")
        try await waitFor { stage.latch.waiting == 1 }
        conductor.send([
            Request(
                kind: .message(.user(id: "u2", text: Self.other)), idempotencyKey: "k",
                deadline: Timestamp(milliseconds: 2_000))
        ])
        stage.latch.open()
        try await waitFor { Self.notices(conductor) == 1 }
        conductor.now = 3_000
        try await conductor.finish(stage.agent, turns: 1)
        #expect(conductor.subtypes.last == "skipped")
        conductor.say("again", id: "u2", key: "k")
        try await conductor.finish()
        #expect(conductor.subtypes.last == "duplicate", "its key is on record")
    }

    @Test("S97: Killed after the injection and before the settlement, the next run still holds the message, once")
    func killedBeforeSettlement() async throws {
        for kill in [RunningHost.Kill(step: .midStream, occurrence: 5), .init(step: .beforeSettle)] {
            let conductor = try Conductor()
            let first = try Stage()
            try await conductor.start(first.agent, killAt: kill)
            conductor.say(Self.question, id: "u1")
            try await waitFor { first.latch.waiting == 1 }
            conductor.say("#script\nsay other words and many more of them", id: "u2")
            first.latch.open()
            let death = try await conductor.waitForDeath()
            #expect(Self.notices(conductor) == 1, "the message had joined")
            let second = try Stage()
            second.latch.open()
            try await conductor.start(second.agent, death: death)
            try await conductor.finish(second.agent, turns: 1)
            if kill.step == .midStream {
                #expect(second.agent.journal.promptIDs == [["u1", "s-answer-0", "u2"]])
            }
            #expect(Self.notices(conductor) == 1)
            #expect(conductor.view().completes.count == 1)
            #expect(try await conductor.history().map(\.id) == ["u1", "u2", "s-answer-0"])
            #expect(try await conductor.history().last?.text == "firstother words and many more of them")
            #expect(conductor.subtypes.last == "skipped")
            #expect(conductor.view().isGapless)
        }
    }

    @Test("Invariant 7: A request over its budget calls nothing of the agent's, also for messages that had joined it")
    func joinedOverBudget() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.crashAttempts = 1
        }
        let first = try Stage()
        try await conductor.start(first.agent, killAt: .init(step: .midStream, occurrence: 5))
        conductor.say(Self.question, id: "u1")
        try await waitFor { first.latch.waiting == 1 }
        conductor.say("#script\nsay other words and many more of them", id: "u2")
        first.latch.open()
        let death = try await conductor.waitForDeath()
        #expect(Self.notices(conductor) == 1, "the message had joined")
        let second = try Stage()
        try await conductor.start(second.agent, death: death)
        try await conductor.finish(second.agent, turns: 1)
        #expect(conductor.view().completes.map(\.outcome) == [.deadLettered])
        for hook in [HookAgent.Hook.load, .recovery, .boot, .tools, .validate, .turnStart, .run] {
            #expect(second.agent.journal.count(hook) == 0, "\(hook.rawValue)")
        }
    }

    @Test("S97: Killed after the settlement, the message that had joined is settled as skipped and not run again")
    func killedAfterSettlement() async throws {
        let conductor = try Conductor()
        let first = try Stage()
        try await conductor.start(first.agent, killAt: .init(step: .afterSettle))
        conductor.say(Self.question, id: "u1")
        try await waitFor { first.latch.waiting == 1 }
        conductor.say(Self.other, id: "u2")
        first.latch.open()
        let death = try await conductor.waitForDeath()
        let second = try Stage()
        try await conductor.start(second.agent, death: death)
        try await conductor.finish()
        #expect(second.agent.journal.prompts.isEmpty)
        #expect(conductor.subtypes == ["turn-start", "turn-complete", "skipped"])
        #expect(try await conductor.history().map(\.id) == ["u1", "u2", "s-answer-0"])
    }

    @Test("H11: A message whose turn's partial a recovery hook drops is not lost with it")
    func hookDropsPartial() async throws {
        let conductor = try Conductor()
        let first = try Stage()
        try await conductor.start(first.agent, killAt: .init(step: .midStream, occurrence: 5))
        conductor.say(Self.question, id: "u1")
        try await waitFor { first.latch.waiting == 1 }
        conductor.say("#script\nsay other words and many more of them", id: "u2")
        first.latch.open()
        let death = try await conductor.waitForDeath()
        var second = try Stage().agent
        second.toolSet = ToolSet([], undeclared: .isExternal)
        second.recovering = { event in
            #expect(event.inFlightUsers.map(\.id) == ["u1", "u2"])
            return RecoveryBootResult(chain: event.settledMessages, recoveredTurns: event.inFlightUsers)
        }
        second.running = { turn, _ in try await turn.say("to \(turn.messages.last?.id ?? "")") }
        try await conductor.start(second, death: death)
        try await conductor.finish(second, turns: 2)
        let history = try await conductor.history()
        #expect(history.filter { $0.role == .user }.map(\.id) == ["u1", "u2"])
        #expect(history.map(\.text).contains("to u2"))
    }

    @Test("A message whose notice is too large for a record does not fail the turn; it becomes the next one")
    func tooLarge() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.maximumEventBytes = 2_000
        }
        let stage = try Stage()
        try await conductor.start(stage.agent)
        conductor.say(Self.question, id: "u1")
        try await waitFor { stage.latch.waiting == 1 }
        conductor.say("#script\nsay ok\nreason " + String(repeating: "long ", count: 600), id: "u2")
        stage.latch.open()
        try await conductor.finish(stage.agent, turns: 2)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
        #expect(try conductor.view().answer(turn: 0).text == "firstsecond third")
    }

    @Test("A hook at the turn's end sees the message that joined in the history, before the answer, and may edit it")
    func editedAtTheEnd() async throws {
        let conductor = try Conductor()
        let stage = try Stage()
        let seen = Seen<[String]>()
        var agent = stage.agent
        agent.ending = { event in
            seen.add(event.history.messages.map(\.id))
            event.history.replace(id: "u1", with: .user(id: "u1", text: "edited"))
        }
        try await conductor.start(agent)
        conductor.say(Self.question, id: "u1")
        try await waitFor { stage.latch.waiting == 1 }
        conductor.say(Self.other, id: "u2")
        stage.latch.open()
        try await conductor.finish(agent, turns: 1)
        #expect(seen.all == [["u1", "u2", "s-answer-0"]])
        #expect(
            try await conductor.transcript() == ["u1: edited", "u2: \(Self.other)", "s-answer-0: firstother words"])
    }
}
