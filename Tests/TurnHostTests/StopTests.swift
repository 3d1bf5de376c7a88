import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Stops")
struct StopTests {
    private static let long = "#script\ntokens 100000 1ms"

    @Test(
        "S83: A stop ends the running turn at once, ahead of the queue, and keeps the partial; S85: the next message is answered"
    )
    func stopsRunningTurn() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say(Self.long, id: "u1")
        try await conductor.waitForText("3")
        conductor.say("next", id: "u2")
        conductor.send(.stop(reason: "enough"))
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 2 }
        let complete = agent.journal.completes[0]
        #expect(complete.isStopped)
        #expect(complete.outcome == .stopped)
        #expect(complete.responseMessage?.text.hasPrefix("1 2 3") == true)
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.stopped, .completed])
        #expect(view.completes.map(\.stopped) == [true, false])
        #expect(view.words(turn: 0).suffix(2) == ["abort", "turn-complete"])
        #expect(view.isGapless)
        #expect(agent.journal.prompts.last?.messages.map(\.id) == ["u1", "s-answer-0", "u2"])
    }

    @Test("A stop with no turn running has no effect, now or later")
    func stopWithoutTurn() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.send(.stop(reason: nil))
        conductor.say("hello")
        try await conductor.finish()
        conductor.send(.stop(reason: nil))
        try await conductor.finish()
        conductor.say("again")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("A stop right behind its message in one batch ends that message's turn, not the one behind it")
    func stopInOneBatch() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.send([
            Request(kind: .message(.user(id: "u1", text: Self.long))), Request(kind: .stop(reason: nil)),
            Request(kind: .message(.user(id: "u2", text: "hello"))),
        ])
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
        #expect(try await conductor.history().first?.id == "u1")
    }

    @Test("A stop that took effect and comes again stops no later turn")
    func redeliveredStop() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let blocking = RecordingAgent(answer: { turn in
            guard turn.identity.turn == 0 else {
                await latch.wait()
                return
            }
            try await Task.sleep(for: .seconds(60))
        })
        try await conductor.start(blocking)
        conductor.say("one", id: "u1")
        try await waitFor { blocking.journal.prompts.count == 1 }
        conductor.say("two", id: "u2")
        conductor.send(.stop(reason: nil))
        // The first turn was ended by a stop that lies behind the second, which the host dies in.
        try await waitFor { latch.waiting == 1 }
        #expect(conductor.view().completes.map(\.outcome) == [.stopped])
        let death = conductor.kill()
        latch.open()
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
        #expect(conductor.view().completes.map(\.stopped) == [true, false])
    }

    @Test(
        "A turn that was stopped, and whose host died before it was settled, is settled as stopped without a model call"
    )
    func stoppedAndKilled() async throws {
        let conductor = try Conductor()
        let first = RecordingAgent()
        try await conductor.start(first, killAt: .init(step: .beforeSettle))
        conductor.say(Self.long, id: "u1")
        try await conductor.waitForText("3")
        conductor.send(.stop(reason: nil))
        let death = try await conductor.waitForDeath()
        let second = RecordingAgent()
        try await conductor.start(second, death: death)
        try await conductor.finish()
        #expect(second.journal.prompts.isEmpty)
        #expect(second.journal.recoveries.isEmpty)
        #expect(conductor.view().completes.map(\.stopped) == [true])
    }

    @Test("A stop that waited for a dead turn settles what is left of it")
    func stopOfDeadTurn() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u1")
        let death = try await conductor.waitForDeath()
        conductor.send(.stop(reason: nil))
        let second = RecordingAgent()
        try await conductor.start(second, death: death)
        try await conductor.finish()
        #expect(second.journal.prompts.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.stopped])
        #expect(try await conductor.history().last?.text.hasPrefix("one two") == true)
        #expect(try await conductor.history().last == conductor.view().answer(turn: 0))
    }

    @Test("A stop that was sent twice under one key stops one turn")
    func duplicateStop() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let agent = RecordingAgent(answer: { turn in
            if turn.identity.turn == 0 { return try await Task.sleep(for: .seconds(60)) }
            await latch.wait()
            try await turn.say("done")
        })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        try await waitFor { agent.journal.prompts.count == 1 }
        conductor.send(.stop(reason: nil), key: "stop-1")
        try await conductor.finish()
        conductor.say("two", id: "u2")
        try await waitFor { latch.waiting == 1 }
        conductor.send(.stop(reason: nil), key: "stop-1")
        conductor.say("three", id: "u3")
        // A stop that took effect would have ended the wait; give a wrong one the way through the store's queue.
        _ = try await conductor.store.idempotencyKey(session: "s", key: "stop-1")
        latch.open()
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed, .completed])
        #expect(conductor.view().controls().map(\.subtype).contains("duplicate"))
    }
}
