import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Locals")
struct LocalsTests {
    private static let plain = LocalsKey<String>("who")
    private static let durable = DurableLocalsKey<[String]>("who")

    @Test("Two sessions whose turns interleave never see each other's locals, plain or durable")
    func interleaved() async throws {
        let conductor = try Conductor()
        let latches = (0..<3).map { _ in Latch() }
        let agent = HookAgent(running: { turn, _ in
            let locals = turn.identity.locals
            let (turnNumber, session) = (turn.identity.turn, turn.identity.session)
            locals[Self.plain] = "\(session) \(turnNumber)"
            try locals.set((locals.value(Self.durable) ?? []) + ["\(session) \(turnNumber)"], for: Self.durable)
            await latches[turnNumber].wait()
            #expect(locals[Self.plain] == "\(session) \(turnNumber)")
            try await turn.say((try locals.value(Self.durable) ?? []).joined(separator: ", "))
        })
        try await conductor.start(agent)
        for (turn, latch) in latches.enumerated() {
            for session in ["a", "b"] { conductor.say("m\(turn)", to: session) }
            try await waitFor { latch.waiting == 2 }
            latch.open()
            try await conductor.finish()
        }
        #expect(try conductor.view("a").answer(turn: 2).text == "a 0, a 1, a 2")
        #expect(try conductor.view("b").answer(turn: 2).text == "b 0, b 1, b 2")
    }

    @Test(
        "Durable locals survive a change of worker, whoever set them: a turn, an action, a preload; plain ones do not")
    func durable() async throws {
        let conductor = try Conductor()
        let setting: @Sendable (TurnIdentity, String) throws -> Void = { identity, value in
            identity.locals[Self.plain] = value
            try identity.locals.set((identity.locals.value(Self.durable) ?? []) + [value], for: Self.durable)
        }
        let agent = HookAgent(
            preloading: { try setting($0.identity, "preload") }, ending: { try setting($0.identity, "end") },
            acting: { try setting($0.identity, "action") })
        try await conductor.start(agent)
        conductor.send(.preload)
        conductor.say("one", id: "u1")
        conductor.send(.action(.null))
        try await conductor.finish(agent, turns: 1)
        let seen = Seen<[String]>()
        let second = HookAgent(booting: { event in
            seen.add(try event.identity.locals.value(Self.durable) ?? [])
            #expect(event.identity.locals[Self.plain] == nil)
        })
        try await conductor.moveTo(second)
        conductor.say("two", id: "u2")
        try await conductor.finish(second, turns: 1)
        #expect(seen.all == [["preload", "end", "action"]])
    }

    @Test("Durable locals set in onTurnComplete are an amendment, and survive a change of worker")
    func durableAfterwards() async throws {
        let conductor = try Conductor()
        conductor.isRebuildable = false
        let agent = HookAgent(completing: { try $0.identity.locals.set(["late"], for: Self.durable) })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await conductor.finish(agent, turns: 1)
        try await waitFor { try await conductor.store.loadSession("s")?.state != nil }
        let second = HookAgent(running: { turn, _ in
            try await turn.say((try turn.identity.locals.value(Self.durable) ?? []).joined())
            try turn.identity.locals.set(nil, for: Self.durable)
        })
        try await conductor.moveTo(second)
        conductor.say("two", id: "u2")
        try await conductor.finish(second, turns: 1)
        #expect(try conductor.view().answer(turn: 1).text == "late")
        #expect(try await conductor.store.loadSession("s")?.state == nil, "an emptied slot leaves nothing")
        conductor.isRebuildable = true
        try await conductor.checkRebuild()
    }

    @Test("What a run set that died is not there for the next one")
    func deadRun() async throws {
        let conductor = try Conductor()
        let seen = Seen<[String]?>()
        @Sendable func agent() -> HookAgent {
            HookAgent(starting: { event in
                seen.add(try event.identity.locals.value(Self.durable))
                try event.identity.locals.set(["run \(event.identity.run)"], for: Self.durable)
            })
        }
        try await conductor.start(agent(), killAt: .init(step: .midStream, occurrence: 2))
        conductor.say("#script\nsay one two three", id: "u1")
        let second = agent()
        try await conductor.start(second, death: try await conductor.waitForDeath())
        try await conductor.finish(second, turns: 1)
        conductor.say("two", id: "u2")
        try await conductor.finish(second, turns: 2)
        #expect(seen.all == [nil, nil, ["run 2"]])
    }

    @Test("A durable local that can't be read as its type throws, and one that can't be parsed at all is left out")
    func unreadable() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent(starting: { try $0.identity.locals.set(["x"], for: Self.durable) }))
        conductor.say("one", id: "u1")
        try await conductor.finish()
        let agent = HookAgent(starting: { event in
            #expect(throws: DecodingError.self) {
                try event.identity.locals.value(DurableLocalsKey<Int>("who"))
            }
        })
        try await conductor.moveTo(agent)
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test(
        "An evicted session's onEvict is called and its locals are gone; loaded again it boots, and its state is told")
    func eviction() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.sessionCacheBytes = 1_024
        }
        let agent = HookAgent(booting: { event in
            #expect(event.identity.locals[Self.plain] == nil)
            event.identity.locals[Self.plain] = event.identity.session
        })
        try await conductor.start(agent)
        conductor.say("one", to: "a", id: "u1")
        try await conductor.finish(agent, turns: 1)
        conductor.say("one", to: "b", id: "u1")
        try await conductor.finish(agent, turns: 2)
        try await waitFor { agent.journal.calls.contains { $0.hook == .evict && $0.session == "a" } }
        conductor.say("two", to: "a", id: "u2")
        try await conductor.finish(agent, turns: 3)
        let hooks = agent.journal.calls.filter { $0.session == "a" }.map(\.hook)
        #expect(hooks.count { $0 == .boot } == 2)
        let rest = try #require(hooks.firstIndex(of: .evict))
        #expect(Array(hooks[(rest + 1)...].prefix(2)) == [.load, .boot])
    }
}
