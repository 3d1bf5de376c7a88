import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Stops ahead of their place")
struct StopAheadTests {
    private static let long = "#script\ntokens 100000 1ms"

    @Test("A stop from far ahead ends the running turn, is recorded, and is nothing when it is reached in its place")
    func stopsRunningTurn() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say(Self.long, id: "u1")
        try await conductor.waitForText("3")
        conductor.stopAhead(at: 2, reason: "enough")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped])
        #expect(try await conductor.store.loadSession("s")?.appliedAhead.map(\.offset) == [2])

        let latch = Latch()
        let second = RecordingAgent(answer: { turn in
            await latch.wait()
            try await turn.say("done")
        })
        conductor.kill()
        try await conductor.start(second)
        conductor.say("hello", id: "u2")
        conductor.stopAhead(at: 2)
        try await waitFor { latch.waiting == 1 }
        conductor.stopAhead(at: 2)
        conductor.send(.stop(reason: nil))
        _ = try await conductor.store.loadSession("s")
        latch.open()
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
    }

    @Test("A stop that comes again and again ends the turn in front of it, and none behind it")
    func stopsNothingBehindIt() async throws {
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
        for _ in 0..<3 { conductor.stopAhead(at: 1) }
        try await conductor.finish()
        conductor.stopAhead(at: 1)
        conductor.send(.stop(reason: nil))
        conductor.say("two", id: "u2")
        conductor.stopAhead(at: 1)
        try await waitFor { latch.waiting == 1 }
        conductor.stopAhead(at: 1)
        latch.open()
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
    }

    @Test("A stop that comes with its turn, before the session's state is read, ends that turn")
    func comesWithItsTurn() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.send([
            Request(kind: .message(.user(id: "u1", text: Self.long))),
            Request(kind: .message(.user(id: "u2", text: "hello"))),
        ])
        conductor.stopAhead(at: 9)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
    }

    @Test("A stop of a session that has nothing here does nothing, now or later; nor does one of an unknown assignment")
    func nothingToStop() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.stopAhead(at: 5)
        conductor.host?.send(.stopAhead([StopAhead(assignment: 99, session: "s", offset: 5)]))
        conductor.say("hello")
        try await conductor.finish()
        conductor.stopAhead(at: 5)
        conductor.say("again")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("A stop whose host died before it was settled ends the turn in the next one, without a model call")
    func hostDies() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .beforeSettle))
        conductor.say(Self.long, id: "u1")
        try await conductor.waitForText("3")
        conductor.stopAhead(at: 7)
        let death = try await conductor.waitForDeath()
        let second = RecordingAgent()
        try await conductor.start(second, death: death)
        conductor.stopAhead(at: 7)
        try await conductor.finish()
        #expect(second.journal.prompts.isEmpty)
        #expect(conductor.view().completes.map(\.stopped) == [true])
    }

    @Test("A stop with a key that was used, or that a stop in front of it holds, has no effect")
    func usedKey() async throws {
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
        conductor.say("two", id: "u2")
        conductor.send(.stop(reason: nil), key: "k")
        try await waitFor { latch.waiting == 1 }
        // The first with this key waits behind the second turn, and is not on record yet.
        conductor.stopAhead(at: 8, key: "k")
        _ = try await conductor.store.idempotencyKey(session: "s", key: "k")
        latch.open()
        try await conductor.finish()
        conductor.say("three", id: "u3")
        conductor.stopAhead(at: 9, key: "k")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed, .completed])
    }
}

extension Conductor {
    /// Tells the host of a stop that it will be sent later, if at all.
    fileprivate func stopAhead(at offset: Int64, reason: String? = nil, key: String? = nil) {
        guard let host, let assignment = host.assignments[0] else { return }
        host.send(
            .stopAhead([
                StopAhead(assignment: assignment, session: "s", offset: offset, reason: reason, idempotencyKey: key)
            ]))
    }
}
