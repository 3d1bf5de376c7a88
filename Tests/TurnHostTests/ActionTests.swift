import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Actions")
struct ActionTests {
    @Test("S94: An action calls only its own hook, no model, and is closed by one action-complete")
    func plain() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(acting: { _ in })
        try await conductor.start(agent)
        conductor.send([Request(kind: .action(["undo": true]), id: "a", data: .string("d"))])
        try await conductor.finish()
        #expect(agent.journal.hooks() == [.boot, .action])
        #expect(agent.journal.prompts.isEmpty)
        #expect(conductor.subtypes == ["action-complete"])
        #expect(conductor.actionOutcomes == ["completed"])
        #expect(conductor.view().events.allSatisfy { $0.turn == nil && $0.run == nil && $0.requestID == "a" })
        conductor.say("hello", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.view().completes.map(\.turn) == [0], "an action has no turn number")
    }

    @Test("S94: What an action streams reaches readers whole and is not in the history")
    func streaming() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(acting: { event in
            try await event.say("done it")
            try await event.write(.data(name: "result", data: .string("x")))
        })
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        conductor.send(.action(.null))
        try await conductor.finish(agent, turns: 1)
        let chunks = conductor.view().events.compactMap { event -> Chunk? in
            if event.turn == nil, case .chunk(let chunk) = event.body { chunk } else { nil }
        }
        var assembler = MessageAssembler()
        for chunk in chunks { try assembler.apply(chunk) }
        #expect(assembler.message.text == "done it")
        #expect(assembler.message.dataNames == ["result"])
        #expect(chunks.last?.type == "finish")
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        #expect(agent.journal.count(.complete) == 1, "there are no turn hooks")
    }

    @Test("An action whose every word was transient opens no message")
    func transientOnly() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(acting: { try await $0.write(.data(name: "toast", data: .null, transient: true)) })
        try await conductor.start(agent)
        conductor.send(.action(.null))
        try await conductor.finish()
        let types = conductor.view().events.compactMap { event -> String? in
            if case .chunk(let chunk) = event.body { chunk.type } else { nil }
        }
        #expect(types == ["data-toast"])
    }

    @Test("S95: An action that nobody handles changes nothing, and is settled as ignored")
    func unhandled() async throws {
        let conductor = try Conductor()
        let agent = HookAgent()
        try await conductor.start(agent)
        conductor.send(.action(.null))
        conductor.say("hello", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.actionOutcomes == ["ignored"])
        #expect(conductor.view().events.first.map { if case .control = $0.body { true } else { false } } == true)
        #expect(agent.journal.prompts.count == 1)
    }

    @Test("S95: An action that violates the schema is settled with an error, and its hook is not called")
    func invalid() async throws {
        let conductor = try Conductor()
        let schema = try JSONSchema(["type": "object", "required": ["name"]])
        let agent = HookAgent(actionSchema: schema, acting: { _ in })
        try await conductor.start(agent)
        conductor.send(.action(.string("undo")))
        conductor.send(.action(["name": "undo"]))
        try await conductor.finish()
        #expect(conductor.actionOutcomes == ["failed", "completed"])
        #expect(agent.journal.count(.action) == 1)
        let first = try #require(conductor.view().events.first)
        guard case .chunk(.error) = first.body else {
            Issue.record("the first event is no error")
            return
        }
        #expect(conductor.view().isGapless)
    }

    @Test(
        "An action that throws is settled as failed, what it wrote to the history is dropped, and the session goes on")
    func throwing() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(acting: { event in
            event.history.set([])
            throw TurnError(code: "no", message: "not now")
        })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.send(.action(.null))
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 2)
        #expect(conductor.actionOutcomes == ["failed"])
        #expect(agent.journal.promptIDs.last == ["u1", "s-answer-0", "u2"])
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
        #expect(agent.journal.count(.complete) == 2)
    }

    @Test("S96: An undo is in force for the next prompt, and over a kill right after it")
    func undo() async throws {
        for isKilled in [false, true] {
            let conductor = try Conductor()
            let first = HookAgent(acting: { $0.history.slice(0, -2) })
            // Of the steps after a settlement, the third is the action's.
            try await conductor.start(first, killAt: isKilled ? .init(step: .afterSettle, occurrence: 3) : nil)
            conductor.say("one", id: "u1")
            conductor.say("two", id: "u2")
            conductor.send(.action(.null))
            let second = HookAgent(acting: { $0.history.slice(0, -2) })
            if isKilled {
                try await conductor.start(second, death: try await conductor.waitForDeath())
            } else {
                try await conductor.finish()
                try await conductor.moveTo(second)
            }
            conductor.say("three", id: "u3")
            try await conductor.finish(second, turns: 1)
            #expect(second.journal.promptIDs == [["u1", "s-answer-0", "u3"]])
            #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u3", "s-answer-2"])
            #expect(second.journal.count(.action) == 0)
            #expect(conductor.actionOutcomes == ["completed"])
            #expect(conductor.view().isGapless)
        }
    }

    @Test("S66: An action between two messages in flight takes effect between them, also over a kill")
    func between() async throws {
        for kill in [nil, TurnStep.midStream, .beforeSettle, .afterSettle, .beforeCommit] {
            let conductor = try Conductor()
            @Sendable func agent() -> HookAgent {
                HookAgent(acting: { $0.history.set($0.history.messages + [.user(id: "note", text: "by the action")]) })
            }
            conductor.say("#script\nsay one two three", id: "u1")
            conductor.send(.action(.null))
            conductor.say("two", id: "u2")
            let first = agent()
            try await conductor.start(first, killAt: kill.map { .init(step: $0, occurrence: $0 == .midStream ? 3 : 1) })
            let second = agent()
            if kill != nil { try await conductor.start(second, death: try await conductor.waitForDeath()) }
            try await conductor.finish()
            let last = kill == nil ? first : second
            #expect(last.journal.promptIDs.last == ["u1", "s-answer-0", "note", "u2"])
            #expect(
                try await conductor.history().map(\.id) == ["u1", "s-answer-0", "note", "u2", "s-answer-1"])
            #expect(first.journal.count(.action) + second.journal.count(.action) == 1)
            #expect(
                conductor.subtypes.filter { $0 != "recovered" && $0 != "turn-start" && $0 != "superseded" }
                    == ["turn-complete", "checkpoint", "action-complete", "turn-complete"])
            #expect(conductor.view().isGapless)
        }
    }

    @Test(
        "Invariant 7: An action that kills its hosts is dead-lettered, and later turns are numbered as if it had not been"
    )
    func poisonous() async throws {
        let conductor = try Conductor()
        conductor.say("one", id: "u1")
        conductor.send(.action(.string("poison")))
        conductor.say("two", id: "u2")
        var death: HostDeath?
        for round in 0..<3 {
            // In the first round the second run that begins is the action's.
            try await conductor.start(
                HookAgent(acting: { try await $0.say("last words") }),
                killAt: .init(step: .beforeSettle, occurrence: round == 0 ? 2 : 1), death: death)
            death = try await conductor.waitForDeath()
            #expect(conductor.log.deadLetters.isEmpty)
        }
        let agent = HookAgent(acting: { _ in Issue.record("the action was run once more") })
        try await conductor.start(agent, death: death)
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.log.deadLetters.count == 1)
        #expect(conductor.log.deadLetters.first?.value == Request(kind: .action(.string("poison"))).serialized())
        #expect(conductor.actionOutcomes == ["dead-lettered"])
        let view = conductor.view()
        #expect(view.completes.map(\.turn) == [0, 1])
        #expect(view.completes.map(\.outcome) == [.completed, .completed])
        #expect(view.words(turn: 1).first == "turn-start")
        #expect(!view.words(turn: 1).contains("recovered"))
        #expect(try await conductor.store.run("s/1/1")?.status == .completed)
        #expect(view.isGapless)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test("An action, or a preload, that is reached after its deadline is settled as expired, and calls nothing")
    func deadline() async throws {
        let conductor = try Conductor()
        conductor.now = 2_000
        let agent = HookAgent(acting: { _ in })
        try await conductor.start(agent)
        conductor.send([
            Request(kind: .action(.null), deadline: Timestamp(milliseconds: 1_999)),
            Request(kind: .preload, deadline: Timestamp(milliseconds: 1_999)),
            Request(kind: .action(.null), deadline: Timestamp(milliseconds: 2_000)),
        ])
        try await conductor.finish()
        #expect(conductor.subtypes == ["expired", "expired", "action-complete"])
        #expect(agent.journal.hooks() == [.boot, .action])
    }

    @Test("An action sent twice under one key takes effect once")
    func duplicate() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(acting: { $0.history.slice(0, -2) })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        conductor.send(.action(.null), key: "undo-1")
        conductor.send(.action(.null), key: "undo-1")
        try await conductor.finish(agent, turns: 2)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        #expect(conductor.subtypes.suffix(2) == ["action-complete", "duplicate"])
    }

    @Test("An action of an agent that keeps its history is given that history")
    func ownedHistory() async throws {
        let conductor = try Conductor()
        let seen = Seen<[String]>()
        let agent = HookAgent(
            ownsHistory: true, hydrating: { _ in [.user(id: "k", text: "kept")] },
            acting: { seen.add($0.history.messages.map(\.id)) })
        try await conductor.start(agent)
        conductor.send(.action(.null))
        try await conductor.finish()
        #expect(agent.journal.hooks() == [.boot, .hydrate, .action])
        #expect(seen.all == [["k"]])
        #expect(try await conductor.history().isEmpty)
    }
}
