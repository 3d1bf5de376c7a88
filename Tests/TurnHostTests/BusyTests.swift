import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Messages that come while a turn runs")
struct BusyTests {
    private static let long = "#script\ntokens 100000 1ms"

    @Test("Interrupt: a newer message ends the turn that runs, its partial is kept, and the message is answered")
    func interrupt() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(onBusy: .interrupt)
        try await conductor.start(agent)
        conductor.say(Self.long, id: "u1")
        try await conductor.waitForText("3")
        conductor.say("next", id: "u2")
        try await conductor.finish(agent, turns: 2)
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.stopped, .completed])
        #expect(view.completes.map(\.stopped) == [false, false], "nobody stopped it")
        #expect(view.words(turn: 0).suffix(2) == ["abort", "turn-complete"])
        #expect(agent.journal.promptIDs.last == ["u1", "s-answer-0", "u2"])
        #expect(try await conductor.history().dropFirst().first?.text.hasPrefix("1 2 3") == true)
    }

    @Test("Interrupt: of several messages that wait only the newest is answered, and none is lost")
    func interruptByThree() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(onBusy: .interrupt)
        try await conductor.start(agent)
        conductor.say(Self.long, id: "u1")
        try await conductor.waitForText("3")
        conductor.send(["u2", "u3", "u4"].map { Request(kind: .message(.user(id: $0, text: $0))) })
        try await conductor.finish(agent, turns: 4)
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .stopped, .stopped, .completed])
        #expect(agent.journal.promptIDs.last == ["u1", "s-answer-0", "u2", "u3", "u4"])
        #expect(agent.journal.prompts.count == 2)
        #expect(conductor.view().isGapless)
    }

    @Test("A stop beats an interrupt: the turn counts as stopped by the user")
    func stopBeatsInterrupt() async throws {
        let conductor = try Conductor()
        let (running, latch) = (Latch(), Latch())
        var agent = HookAgent(onBusy: .interrupt)
        agent.running = { turn, agent in
            guard turn.identity.turn == 0 else { return try await agent.respond(turn) }
            try await turn.say("partial")
            running.open()
            await latch.wait()
            try Task.checkCancellation()
        }
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        await running.wait()
        conductor.say("two", id: "u2")
        conductor.send(.stop(reason: "enough"))
        try await waitFor { latch.waiting == 1 }
        latch.open()
        try await conductor.finish(agent, turns: 2)
        #expect(conductor.view().completes.map(\.stopped) == [true, false])
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
    }

    @Test("Interrupt: a message that will not be answered ends no turn: the expired, and the running one sent again")
    func interruptByNothing() async throws {
        let conductor = try Conductor()
        conductor.now = 2_000
        let latch = Latch()
        var agent = HookAgent(onBusy: .interrupt)
        agent.running = { turn, _ in
            try await turn.say("begun")
            await latch.wait()
            try Task.checkCancellation()
            try await turn.say(" and done")
        }
        try await conductor.start(agent)
        conductor.say("one", id: "u1", key: "k1")
        try await waitFor { latch.waiting == 1 }
        conductor.send([
            Request(kind: .message(.user(id: "u1", text: "one")), idempotencyKey: "k1"),
            Request(kind: .message(.user(id: "late", text: "late")), deadline: Timestamp(milliseconds: 1_999)),
        ])
        // What a wrong one would ask the store is answered by now.
        for _ in 0..<3 { _ = try await conductor.store.idempotencyKey(session: "s", key: "k1") }
        latch.open()
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try conductor.view().answer(turn: 0).text == "begun and done")
        #expect(conductor.subtypes.suffix(2) == ["duplicate", "expired"])
    }

    @Test("Interrupt: after a death the newest message decides, and nothing is answered twice")
    func interruptOverDeath() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent(onBusy: .interrupt), killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u1")
        let death = try await conductor.waitForDeath()
        conductor.say("two", id: "u2")
        conductor.say("three", id: "u3")
        let agent = HookAgent(onBusy: .interrupt)
        try await conductor.start(agent, death: death)
        try await conductor.finish(agent, turns: 3)
        #expect(agent.journal.promptIDs == [["u1", "s-answer-0", "u2", "u3"]])
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .stopped, .completed])
    }

    @Test("Reject: a message that comes while a turn runs is settled without one, and readers are told")
    func reject() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        var agent = HookAgent(onBusy: .reject, acting: { _ in })
        agent.running = { turn, _ in
            await latch.wait()
            try await turn.say("done")
        }
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { latch.waiting == 1 }
        conductor.send([Request(kind: .message(.user(id: "u2", text: "two")), id: "r2")])
        conductor.send(.action(.null))
        latch.open()
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.subtypes == ["turn-start", "turn-complete", "rejected", "action-complete"])
        #expect(conductor.view().controls().contains(.rejected(requestID: "r2")))
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        conductor.say("three", id: "u3")
        try await conductor.finish(agent, turns: 2)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("Reject: also where it is delivered again, beside its turn, to another host")
    func rejectAgain() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent(onBusy: .reject), killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u1")
        conductor.say("two", id: "u2")
        let death = try await conductor.waitForDeath()
        let agent = HookAgent(onBusy: .reject)
        try await conductor.start(agent, death: death)
        try await conductor.finish(agent, turns: 1)
        #expect(conductor.subtypes.suffix(2) == ["turn-complete", "rejected"])
        #expect(try conductor.view().answer(turn: 0).text == "one two three four five", "nobody else decides about it")
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
    }

    @Test("Reject: a message that comes once readers were told of the turn's end is answered")
    func afterTheEnd() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        var agent = HookAgent(onBusy: .reject)
        agent.completing = { event in if event.identity.turn == 0 { await latch.wait() } }
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { latch.waiting == 1 }
        #expect(conductor.view().completes.count == 1)
        conductor.say("two", id: "u2")
        latch.open()
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("S91, S92: Messages that wait become turns in their order, each once, also over a kill after the first")
    func queue() async throws {
        for step in [TurnStep.afterSettle, .beforeCommit, .beforeSettle] {
            let conductor = try Conductor()
            let first = HookAgent()
            try await conductor.start(first, killAt: .init(step: step))
            conductor.send(["m1", "m2", "m3"].map { Request(kind: .message(.user(id: $0, text: $0))) })
            let death = try await conductor.waitForDeath()
            let second = HookAgent()
            try await conductor.start(second, death: death)
            try await conductor.finish(second, turns: 2)
            let asked = (first.journal.promptIDs + second.journal.promptIDs).map(\.last)
            #expect(asked == ["m1", "m2", "m3"])
            #expect(conductor.view().completes.map(\.turn) == [0, 1, 2])
        }
    }

    @Test("S100, H12: A close that comes while a turn runs lets it finish, and what comes later is closed")
    func closeInTurn() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        var agent = HookAgent(acting: { _ in })
        agent.running = { turn, _ in
            await latch.wait()
            try await turn.say("done")
        }
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { latch.waiting == 1 }
        conductor.say("two", id: "u2")
        conductor.send(.close(reason: nil))
        conductor.say("three", id: "u3")
        conductor.send(.action(.null))
        latch.open()
        try await conductor.finish(agent, turns: 2)
        #expect(
            conductor.subtypes == [
                "turn-start", "turn-complete", "turn-start", "turn-complete", "closed", "closed", "closed",
            ])
        #expect(agent.journal.count(.action) == 0)
        let second = HookAgent()
        try await conductor.moveTo(second)
        conductor.say("four", id: "u4")
        try await conductor.finish()
        #expect(second.journal.calls.isEmpty)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }
}
