import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("What hooks write: to the history, and into the answer")
struct HistoryHookTests {
    private static let extra = Message.user(id: "x", text: "extra")

    private static func prompts(_ agent: HookAgent, _ conductor: Conductor) async throws -> [[String]] {
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await conductor.finish(agent, turns: 1)
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        return agent.journal.promptIDs
    }

    @Test("What is written in onChatStart and onTurnStart counts before the answer, and is stored with the turn")
    func atTheStart() async throws {
        for isChat in [false, true] {
            let conductor = try Conductor()
            var agent = HookAgent()
            let edit: @Sendable (History) -> Void = { history in
                history.set([Self.extra] + history.messages)
                #expect(history.messages.map(\.id).first == "x", "a hook sees what it wrote")
            }
            if isChat {
                agent.startingChat = { edit($0.history) }
            } else {
                agent.starting = { if $0.identity.turn == 0 { edit($0.history) } }
            }
            let prompts = try await Self.prompts(agent, conductor)
            #expect(prompts == [["x", "u1"], ["x", "u1", "s-answer-0", "u2"]])
            #expect(try await conductor.history().map(\.id) == ["x", "u1", "s-answer-0", "u2", "s-answer-1"])
        }
    }

    @Test("What is written in run is the base that the answer is put on top of")
    func inRun() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(running: { turn, agent in
            try await agent.respond(turn)
            if turn.identity.turn == 0 { turn.history.set([Self.extra]) }
            if turn.identity.turn == 1 {
                turn.history.remove(id: "nobody")
                turn.history.rollBack(to: "nobody")
                turn.history.replace(id: "nobody", with: Self.extra)
            }
        })
        #expect(try await Self.prompts(agent, conductor) == [["u1"], ["x", "s-answer-0", "u2"]])
        #expect(try await conductor.history().map(\.id) == ["x", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test(
        "What is written in onBeforeTurnComplete is part of the settlement, the answer included: kept, replaced or removed"
    )
    func beforeComplete() async throws {
        let answer = Message(id: "s-answer-0", role: .assistant, parts: [.text(TextPart("in other words"))])
        let edits: [(@Sendable (History) -> Void, [String], String?)] = [
            ({ $0.remove(id: "u1") }, ["s-answer-0"], "kept"),
            ({ $0.replace(id: "s-answer-0", with: answer) }, ["u1", "s-answer-0"], "in other words"),
            ({ $0.remove(id: "s-answer-0") }, ["u1"], nil),
            ({ $0.rollBack(to: "u1") }, ["u1"], nil),
            ({ $0.set([]) }, [], nil),
        ]
        for (edit, ids, text) in edits {
            let conductor = try Conductor()
            let agent = HookAgent(
                ending: { if $0.identity.turn == 0 { edit($0.history) } },
                running: { turn, agent in
                    if turn.identity.turn == 0 { return try await turn.say("kept") }
                    try await agent.respond(turn)
                })
            #expect(try await Self.prompts(agent, conductor) == [ids + ["u2"]])
            #expect(try await conductor.history().dropLast(2).map(\.id) == ids)
            let complete = try #require(agent.journal.completes.first)
            #expect(complete.messages.map(\.id) == ids)
            #expect(complete.responseMessage?.text == text, "the answer as it was stored")
            #expect(conductor.view().completes.first?.messageID == (text == nil ? nil : "s-answer-0"))
        }
    }

    @Test("What is written in onTurnComplete is stored as an amendment, and survives a change of worker")
    func complete() async throws {
        let conductor = try Conductor()
        conductor.isRebuildable = false
        let agent = HookAgent(completing: { if $0.identity.turn == 0 { $0.history.slice(0, 1) } })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await conductor.finish(agent, turns: 1)
        try await conductor.waitForHistory(["u1"])
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        #expect(agent.journal.promptIDs == [["u1"], ["u1", "u2"]])
        let second = HookAgent()
        try await conductor.moveTo(second)
        conductor.say("three", id: "u3")
        try await conductor.finish(second, turns: 1)
        #expect(second.journal.promptIDs == [["u1", "u2", "s-answer-1", "u3"]])
        #expect(conductor.view().isGapless)
        #expect(conductor.view().completes.map(\.turn) == [0, 1, 2])
        conductor.isRebuildable = true
        try await conductor.checkRebuild()
    }

    @Test("A history that is kept beyond its hook changes nothing")
    func afterTheHook() async throws {
        let conductor = try Conductor()
        let kept = Seen<History>()
        let agent = HookAgent(
            starting: { kept.add($0.history) }, ending: { _ in for history in kept.all { history.set([]) } })
        #expect(try await Self.prompts(agent, conductor) == [["u1"], ["u1", "s-answer-0", "u2"]])
    }

    @Test("A validator's message takes the place of the one that came, under its id, also over a death at the end")
    func validated() async throws {
        for kill in [nil, TurnStep.midStream, .beforeSettle] {
            let conductor = try Conductor()
            @Sendable func agent() -> HookAgent {
                HookAgent(validating: { _ in Message.user(id: "other", text: "#script\nsay one two three") })
            }
            let first = agent()
            try await conductor.start(
                first, killAt: kill.map { .init(step: $0, occurrence: $0 == .midStream ? 2 : 1) })
            conductor.say("a secret", id: "u1")
            if kill != nil { try await conductor.start(agent(), death: try await conductor.waitForDeath()) }
            try await conductor.finish()
            #expect(
                try await conductor.transcript() == ["u1: #script\nsay one two three", "s-answer-0: one two three"])
        }
    }

    @Test("What prepareMessages returns is what the model is given, and nothing of it is kept")
    func prepared() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(preparing: { event in
            #expect(event.reason == .run)
            return [Self.extra] + event.messages
        })
        #expect(try await Self.prompts(agent, conductor) == [["x", "u1"], ["x", "u1", "s-answer-0", "u2"]])
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test("Data parts that hooks write are part of the answer, transient ones are not; S65: no other message appears")
    func writers() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(
            starting: { event in
                try event.writer.write(data: "gone", .null, isTransient: true)
                try event.writer.write(data: "start", .string("a"), id: "1")
                try event.writer.write(data: "start", .string("b"), id: "1")
            },
            startingChat: { try $0.writer.write(data: "chat", .null) },
            ending: { event in
                try event.writer.write(data: "end", .null)
                try event.writer.write(data: "gone", .null, isTransient: true)
            }, running: { turn, _ in try await turn.say("text") })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await conductor.finish(agent, turns: 1)
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.dataNames == ["chat", "start", "end"])
        let steps = history.last?.parts.count { if case .stepStart = $0 { true } else { false } }
        #expect(steps == 1, "data is none of the model's steps")
        #expect(try conductor.view().answer(turn: 0) == history.last)
        #expect(conductor.view().chunks(turn: 0).count { $0.type == "data-gone" } == 2)
        #expect(agent.journal.completes.first?.responseMessage == history.last)
    }

    @Test("S65: A data part from before the answer, and then a death: the answer goes on behind it, and is one message")
    func dataBeforeDeath() async throws {
        let conductor = try Conductor()
        @Sendable func agent() -> HookAgent {
            HookAgent(starting: { try $0.writer.write(data: "start", .null, id: "1") })
        }
        try await conductor.start(agent(), killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u1")
        let second = agent()
        try await conductor.start(second, death: try await conductor.waitForDeath())
        try await conductor.finish(second, turns: 1)
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.text == "one two three four five")
        #expect(history.last?.dataNames == ["start"])
        #expect(try conductor.view().answer(turn: 0) == history.last)
    }

    @Test("S87, H13: A hook that throws after the answer was stored changes nothing of it")
    func throwingAfterwards() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(
            ending: { try $0.writer.write(data: "extra", .null) },
            completing: { _ in throw TurnError(code: "no", message: "no") })
        #expect(try await Self.prompts(agent, conductor).count == 2)
        #expect(try await conductor.history().map(\.dataNames) == [[], ["extra"], [], ["extra"]])
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
        #expect(agent.journal.count(.complete) == 2)
    }

    @Test("S89: Of a broken answer the text and the data parts are kept, and an unanswered call is not")
    func brokenBehindCall() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(running: { turn, _ in
            guard turn.identity.turn == 0 else { return try await turn.say("fine") }
            try await turn.say("said")
            try await turn.write(.data(name: "queued", data: .null))
            try await turn.write(.toolInputStart(toolCallID: "c", toolName: "t"))
            try await turn.write(.toolInputAvailable(toolCallID: "c", toolName: "t", input: .null))
            throw TurnError(code: "broken", message: "broken")
        })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        let partial = try #require(agent.journal.completes.first?.responseMessage)
        #expect(partial.text == "said")
        #expect(partial.dataNames == ["queued"])
        #expect(partial.pendingToolCalls.isEmpty)
        #expect(agent.journal.completes.first?.rawResponseMessage?.pendingToolCalls.count == 1)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test("S90: Where a run, or a validator, throws at once, the message is in the event and in the checkpoint")
    func throwsAtOnce() async throws {
        for isValidator in [false, true] {
            let conductor = try Conductor()
            var agent = HookAgent()
            if isValidator {
                agent.validating = { _ in throw TurnError(code: "no", message: "no") }
            } else {
                agent.running = { _, _ in throw TurnError(code: "no", message: "no") }
            }
            try await conductor.start(agent)
            conductor.say("one", id: "u1")
            try await conductor.finish(agent, turns: 1)
            let event = try #require(agent.journal.completes.first)
            #expect(event.responseMessage == nil)
            #expect(event.messages.map(\.id) == ["u1"])
            #expect(event.newMessages.map(\.id) == ["u1"])
            #expect(event.finishReason == .error)
            #expect(try await conductor.history().map(\.id) == ["u1"])
        }
    }

    @Test("S83: A stopped turn's end is told as stopped, with the answer before and after it was cleaned")
    func stopped() async throws {
        let conductor = try Conductor()
        let running = Latch()
        let agent = HookAgent(
            ending: { event in
                #expect(event.isStopped)
                #expect(event.responseMessage?.text == "said")
                try event.writer.write(data: "late", .null)
            },
            running: { turn, _ in
                try await turn.say("said")
                try await turn.write(.toolInputStart(toolCallID: "c", toolName: "t"))
                running.open()
                try await Task.sleep(for: .seconds(60))
            })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        await running.wait()
        conductor.send(.stop(reason: nil))
        try await conductor.finish(agent, turns: 1)
        let event = try #require(agent.journal.completes.first)
        #expect(event.isStopped)
        #expect(event.responseMessage?.text == "said")
        #expect(event.responseMessage?.dataNames == ["late"])
        #expect(event.rawResponseMessage?.parts.contains { if case .tool = $0 { true } else { false } } == true)
        #expect(event.responseMessage?.parts.contains { if case .tool = $0 { true } else { false } } == false)
        #expect(try await conductor.history().last == event.responseMessage)
    }
}
