import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("The order of hooks, and what they are told")
struct HookOrderTests {
    private static let firstTurn: [HookAgent.Hook] = [
        .boot, .tools, .validate, .chatStart, .turnStart, .run, .prepare, .beforeComplete, .complete,
    ]
    private static let laterTurn: [HookAgent.Hook] = [
        .tools, .validate, .turnStart, .run, .prepare, .beforeComplete, .complete,
    ]

    @Test("S2, S6: A conversation's first turn calls every hook once in its order, and the second does not start again")
    func twoTurns() async throws {
        let conductor = try Conductor()
        let agent = HookAgent()
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        conductor.say("again", id: "u2")
        try await conductor.finish(agent, turns: 2)
        #expect(agent.journal.hooks(turn: 0) == Self.firstTurn)
        #expect(agent.journal.hooks(turn: 1) == Self.laterTurn)
        #expect(agent.journal.calls.compactMap(\.identity?.isContinuation).allSatisfy { !$0 })
    }

    @Test("S7: On another worker the stored state is loaded and the session boots, but the chat does not start again")
    func continuation() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent())
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        let agent = HookAgent()
        try await conductor.moveTo(agent)
        conductor.say("again", id: "u2")
        try await conductor.finish(agent, turns: 1)
        #expect(agent.journal.hooks() == [.load, .boot] + Self.laterTurn)
        #expect(agent.journal.calls.compactMap(\.identity?.isContinuation).allSatisfy { $0 })
    }

    @Test("After a death: state is loaded, the recovery hook decides, and the session boots, in this order")
    func recovery() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent())
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        try await conductor.start(HookAgent(), killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u2")
        let death = try await conductor.waitForDeath()
        let agent = HookAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish(agent, turns: 1)
        let hooks = agent.journal.hooks()
        #expect(hooks.filter { $0 != .tools } == [.load, .recovery, .boot] + Self.laterTurn.filter { $0 != .tools })
        #expect(agent.journal.calls.allSatisfy { $0.identity?.run == 2 })
    }

    @Test("An agent that keeps its history is asked for it between validation and the chat's start")
    func ownedHistory() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(ownsHistory: true)
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await conductor.finish(agent, turns: 1)
        var expected = Self.firstTurn
        expected.insert(.hydrate, at: 3)
        #expect(agent.journal.hooks() == expected)
    }

    @Test("A regenerate validates nothing, and starts no chat")
    func regenerate() async throws {
        let conductor = try Conductor()
        let agent = HookAgent()
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        conductor.send(.regenerate)
        try await conductor.finish(agent, turns: 2)
        #expect(agent.journal.hooks(turn: 1) == Self.laterTurn.filter { $0 != .validate })
        #expect(agent.journal.calls.last?.identity?.trigger == .regenerate)
    }

    @Test("S9: A preload boots and warms a session without a turn; its first message starts the chat and boots no more")
    func preload() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(preloading: { try $0.writer.write(data: "warm", .bool(true)) })
        try await conductor.start(agent)
        conductor.send([Request(kind: .preload, id: "p", data: .string("early"))])
        try await conductor.finish()
        #expect(agent.journal.hooks() == [.boot, .preload])
        #expect(agent.journal.calls.map { $0.identity?.trigger } == [.preload, .preload])
        #expect(agent.journal.calls.map { $0.identity?.data } == [.string("early"), .string("early")])
        #expect(conductor.view().completes.isEmpty)
        conductor.say("hello", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(agent.journal.hooks() == [.boot, .preload] + Self.firstTurn.dropFirst())
        #expect(conductor.view().completes.map(\.turn) == [0])
        #expect(conductor.view().isGapless)
        #expect(try await conductor.history().last?.dataNames == [], "what onPreload writes joins no message")
    }

    @Test("A session of which something is stored is not warmed again, but boots")
    func preloadOfKnownSession() async throws {
        let conductor = try Conductor()
        let agent = HookAgent()
        try await conductor.start(agent)
        conductor.send(.preload)
        conductor.send(.preload)
        conductor.say("hello", id: "u1")
        conductor.send(.preload)
        try await conductor.finish(agent, turns: 1)
        #expect(agent.journal.count(.preload) == 1)
        let second = HookAgent()
        try await conductor.moveTo(second)
        conductor.send(.preload)
        try await conductor.finish()
        #expect(second.journal.hooks() == [.load, .boot])
    }

    @Test("S43: A preloaded session whose worker dies before any output answers its message, and is not warmed again")
    func preloadedAndKilled() async throws {
        let conductor = try Conductor()
        let first = HookAgent()
        try await conductor.start(first, killAt: .init(step: .afterBeginRun, occurrence: 2))
        conductor.send(.preload)
        conductor.say("#script\nsay one two", id: "u1")
        let death = try await conductor.waitForDeath(.outOfMemory)
        let second = HookAgent()
        try await conductor.start(second, death: death)
        try await conductor.finish(second, turns: 1)
        #expect(second.journal.count(.preload) == 0)
        #expect(second.journal.count(.recovery) == 0)
        #expect(second.journal.count(.chatStart) == 1)
        #expect(try conductor.view().answer(turn: 0).text == "one two")
    }

    @Test("A preload that throws costs nothing: the session's first message comes as if it had not been warmed")
    func failedPreload() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(preloading: { _ in throw TurnError(code: "bad", message: "bad") })
        try await conductor.start(agent)
        conductor.send(.preload)
        conductor.say("hello", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(agent.journal.count(.chatStart) == 1)
    }

    @Test("S10, S41: Every hook of a turn sees exactly the data that its own request carried, also after a death")
    func data() async throws {
        let conductor = try Conductor()
        conductor.say("#script\nsay one two three four five", id: "u1", data: .string("d1"))
        conductor.say("two", id: "u2", data: .null)
        conductor.say("three", id: "u3")
        conductor.send([Request(kind: .action(.null), data: .string("d4"))])
        try await conductor.start(HookAgent(), killAt: .init(step: .midStream, occurrence: 3))
        let death = try await conductor.waitForDeath()
        let agent = HookAgent(acting: { _ in })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        try await waitFor { agent.journal.count(.complete) == 3 && agent.journal.count(.action) == 1 }
        for (turn, data) in [(1, JSON?.some(.null)), (2, nil)] {
            let seen = agent.journal.calls.filter { $0.identity?.turn == turn }
            #expect(seen.map(\.hook).suffix(Self.laterTurn.count) == Self.laterTurn[...])
            #expect(seen.allSatisfy { $0.identity?.data == data })
        }
        let action = agent.journal.calls.filter { $0.identity?.trigger == .action }
        #expect(action.map(\.hook).last == .action)
        #expect(action.allSatisfy { $0.identity?.data == .string("d4") })
    }

    @Test("S11: Data that violates the agent's schema fails its turn, and the next valid message is answered")
    func dataSchema() async throws {
        let conductor = try Conductor()
        let schema = try JSONSchema(["type": "object", "required": ["user"]])
        let agent = HookAgent(dataSchema: schema)
        try await conductor.start(agent)
        conductor.say("bad", id: "u1", data: ["other": "x"])
        conductor.say("none", id: "u2")
        conductor.say("good", id: "u3", data: ["user": "x"])
        try await conductor.finish(agent, turns: 3)
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.failed, .failed, .completed])
        #expect(view.words(turn: 0) == ["turn-start", "error", "turn-complete"])
        #expect(agent.journal.completes.map(\.error?.code) == ["invalid_data", "invalid_data", nil])
        #expect(agent.journal.promptIDs == [["u1", "u2", "u3"]])
        #expect(agent.journal.count(.run) == 1)
    }

    @Test(
        "A hook that throws ends its turn as failed with the user's message kept, and the next turn works",
        arguments: [
            HookAgent.Hook.boot, .tools, .validate, .hydrate, .chatStart, .turnStart, .prepare, .run, .beforeComplete,
        ])
    func throwing(hook: HookAgent.Hook) async throws {
        let conductor = try Conductor()
        var agent = HookAgent(ownsHistory: hook == .hydrate)
        agent.inEvery = { called, identity in
            if called == hook, identity.turn == 0 { throw TurnError(code: "bad_hook", message: "no good") }
        }
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.failed, .completed])
        #expect(view.words(turn: 0).suffix(2) == ["error", "turn-complete"])
        #expect(view.isGapless)
        #expect(agent.journal.completes.map(\.error?.code) == ["bad_hook", nil])
        #expect(agent.journal.completes.first?.finishReason == .error)
        #expect(agent.journal.completes.first?.newMessages.first?.id == "u1")
        #expect(agent.journal.completes.last?.messages.first?.id == "u1")
        if hook != .hydrate { #expect(try await conductor.history().first?.id == "u1") }
        #expect(agent.journal.count(.boot) == (hook == .boot ? 2 : 1))
    }

    @Test(
        "A hook that nothing depends on may throw, and its turn goes on", arguments: [HookAgent.Hook.load, .complete])
    func softly(hook: HookAgent.Hook) async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent())
        conductor.say("one", id: "u1")
        try await conductor.finish()
        var agent = HookAgent()
        agent.inEvery = { called, _ in if called == hook { throw TurnError(code: "bad_hook", message: "no good") } }
        try await conductor.moveTo(agent)
        conductor.say("two", id: "u2")
        conductor.say("three", id: "u3")
        try await conductor.finish(agent, turns: 2)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed, .completed])
        #expect(agent.journal.count(.complete) == 2, "H13: once for each turn, also if it throws")
    }

    @Test("An answer that failed while it was given is shown to onBeforeTurnComplete, which may add to it")
    func beforeFailedComplete() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(
            ending: { event in
                #expect(event.finishReason == .error)
                #expect(event.responseMessage?.text == "half an answer")
                try event.writer.write(data: "note", .bool(true))
            },
            running: { turn, _ in
                try await turn.say("half an answer")
                throw TurnError(code: "broken", message: "broken")
            })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(agent.journal.count(.beforeComplete) == 1)
        #expect(try await conductor.history().last?.dataNames == ["note"])
        #expect(agent.journal.completes.map(\.error?.code) == ["broken"])
    }
}
