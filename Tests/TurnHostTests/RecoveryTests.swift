import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Recovery")
struct RecoveryTests {
    @Test("S25 (ours): A partial with nothing newer waiting is gone on with in the same message")
    func continues() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let view = conductor.view()
        #expect(try view.answer(turn: 0).text == "one two three four five")
        #expect(try view.answer(turn: 0).parts.count == 2, "one step and one text")
        #expect(view.words(turn: 0).filter { $0 == "start" || $0 == "text-start" }.count == 2)
        #expect(
            view.controls(turn: 0).contains(
                .recovered(cause: "crashed", previousRun: 1, policy: "continue", partial: true)))
        #expect(agent.journal.prompts.first?.continuation?.text.isEmpty == false)
    }

    @Test("S25: With the policy `settle` question and partial stay, and the next message's prompt holds them")
    func settlePolicy() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn {
            $0.flushWindow = .zero
            $0.recoveryPolicy = .settle
        }
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.prompts.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.stopped])
        #expect(conductor.view().completes.map(\.stopped) == [false])
        conductor.say("go on", id: "u2")
        try await conductor.finish()
        #expect(agent.journal.prompts.first?.messages.map(\.id) == ["u1", "s-answer-0", "u2"])
    }

    @Test("S21: A message in flight without a partial is answered as an ordinary turn; S22: so are two, in order")
    func noPartial() async throws {
        for count in [1, 2] {
            let conductor = try Conductor()
            try await conductor.start(killAt: .init(step: .afterBeginRun))
            for index in 1...count { conductor.say("m\(index)", id: "u\(index)") }
            let death = try await conductor.waitForDeath()
            let agent = RecordingAgent()
            try await conductor.start(agent, death: death)
            try await conductor.finish()
            #expect(agent.journal.recoveries.isEmpty)
            #expect(agent.journal.prompts.map(\.messages.last?.id) == (1...count).map { "u\($0)" })
        }
    }

    @Test("S23: With a newer message waiting, question and partial are settled, and exactly one turn runs")
    func newerMessage() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
        conductor.say("scrap that", id: "u2", data: .string("d2"))
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.prompts.map { $0.messages.map(\.id) } == [["u1", "s-answer-0", "u2"]])
        #expect(agent.journal.recoveries.first?.inFlightUsers.map(\.id) == ["u1", "u2"])
        #expect(agent.journal.starts.map(\.identity.data) == [.string("d2")])
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.stopped, .completed])
        #expect(try await view.answer(turn: 0) == conductor.history()[1])
        #expect(view.isGapless)
    }

    @Test("S40: A partial that is nothing but an unfinished tool call is dropped, and the turn runs again")
    func onlyPendingCall() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let first = RecordingAgent(answer: { turn in
            try await turn.write(.toolInputStart(toolCallID: "c1", toolName: "search"))
            await latch.wait()
        })
        try await conductor.start(first)
        conductor.say("question", id: "u1")
        try await waitFor { conductor.view().words(turn: 0).contains("tool-input-start") }
        let death = conductor.kill()
        latch.open()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.recoveries.isEmpty)
        #expect(try await conductor.view().answer(turn: 0) == conductor.history().last)
    }

    @Test("S45: Killed between two recovered turns, the next worker runs the second once and the first not again")
    func killedBetweenRecoveredTurns() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .afterBeginRun))
        conductor.say("m1", id: "u1")
        conductor.say("m2", id: "u2")
        let death = try await conductor.waitForDeath()
        let second = RecordingAgent()
        try await conductor.start(second, killAt: .init(step: .beforeCommit), death: death)
        let next = try await conductor.waitForDeath()
        let third = RecordingAgent()
        try await conductor.start(third, death: next)
        try await conductor.finish()
        #expect(third.journal.prompts.map(\.messages.last?.id) == ["u2"])
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test("S64: A turn that failed with output, and was not settled, is settled as failed: no hook, no model call")
    func failedAndKilled() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .beforeSettle))
        conductor.say("#script\nsay some output\nfail overloaded", id: "u1")
        let death = try await conductor.waitForDeath()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.recoveries.isEmpty)
        #expect(agent.journal.prompts.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.failed])
        #expect(try await conductor.history().last?.text == "some output")
    }

    @Test("S51, S52: Garbage among the events does not keep an answer from being gone on with")
    func garbage() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
        for value in ["7", "null", "\"text\"", "{}", "{\"type\":3}", "not json"] {
            for headers in [[], [KafkaHeader("seq", "3"), KafkaHeader("turn", "0"), KafkaHeader("run", "x")]] {
                conductor.log.plant(
                    ProducerRecord(
                        topic: "events", partition: 0, key: Array("s".utf8), value: Array(value.utf8), headers: headers)
                )
            }
        }
        conductor.log.plant(ProducerRecord(topic: "events", partition: 0, key: [UInt8]?.none, value: nil))
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == "one two three four five")
        #expect(conductor.view().isGapless)
    }

    @Test("S54: However many sessions a death left unfinished, the events are read once, from where their runs began")
    func oneReading() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let first = RecordingAgent(answer: { turn in
            try await turn.say("begun")
            await latch.wait()
        })
        try await conductor.start(first)
        let sessions = (0..<10).map { "s\($0)" }
        for session in sessions { conductor.say("hello", to: session) }
        try await waitFor { latch.waiting == sessions.count }
        for session in sessions { try await conductor.waitForText("begun", session: session) }
        let death = conductor.kill()
        latch.open()
        try await conductor.start(RecordingAgent(answer: { try await $0.say(" ended") }), death: death)
        try await conductor.finish()
        #expect(conductor.log.readings == 1)
        for session in sessions {
            #expect(try conductor.view(session).answer(turn: 0).text == "begun ended")
            #expect(conductor.view(session).isGapless)
        }
    }

    @Test("A store that is away when a partition is granted is waited for")
    func storeAwayAtGrant() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
        let agent = RecordingAgent()
        let host = try await conductor.start(agent, death: death, catchUp: false)
        host.faults.refuse(.openRuns, 2)
        for assignment in host.assignments.values { host.send(.caughtUp(assignment: assignment)) }
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == "one two three four five")
    }

    @Test("S66: An action between two messages in flight is carried out between them")
    func actionInBetween() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .beforeBeginRun))
        conductor.say("one", id: "u1")
        conductor.send(.action(.string("undo")))
        conductor.say("two", id: "u2")
        let death = try await conductor.waitForDeath()
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(
            conductor.view().controls().map(\.subtype) == [
                "turn-start", "turn-complete", "action-complete", "turn-start", "turn-complete",
            ])
    }

    @Test("S53: Chunks that fit nothing are left out, and the rest of the answer is gone on with")
    func malformedChunks() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn(occurrence: 2)
        let records = conductor.log.events(0)
        let identity = EventIdentity(
            topic: "events", partition: 0, session: "s", turn: 0, run: 1, requestID: "0-0", requestOffset: 0,
            traceparent: nil)
        conductor.log.plant(
            identity.record(seq: Int64(records.count) + 1, value: Chunk.textEnd(id: "never begun").serialized()))
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(try await conductor.history().last?.text == "one two three four five")
        #expect(conductor.view().isGapless)
    }

    @Test("A recovery that settled or gave up, and died before its settlement, is not decided otherwise")
    func decidedAndKilled() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
        conductor.say("newer", id: "u2")
        try await conductor.start(killAt: .init(step: .beforeSettle), death: death)
        let second = try await conductor.waitForDeath()
        try await conductor.start(death: second)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
        #expect(conductor.view().completes.map(\.stopped) == [false, false])
        #expect(conductor.view().words(turn: 0).count { $0 == "abort" } == 1)

        let (other, first) = try await Conductor.withDeadTurn {
            $0.flushWindow = .zero
            $0.crashAttempts = 1
        }
        try await other.start(killAt: .init(step: .beforeSettle), death: first)
        let next = try await other.waitForDeath()
        try await other.start(death: next)
        try await other.finish()
        #expect(other.view().completes.map(\.outcome) == [.deadLettered])
        #expect(other.log.deadLetters.count == 1)
        #expect(other.view().words(turn: 0).count { $0 == "error" } == 1)
    }

    @Test("A regenerate's dead run fires the hook too, and goes on with the new answer")
    func regenerateRecovered() async throws {
        let conductor = try Conductor()
        let script = "#script\nsay one two three four five"
        try await conductor.start()
        conductor.say(script, id: "u1")
        try await conductor.finish()
        try await conductor.revoke()
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 2))
        conductor.send(.regenerate)
        let death = try await conductor.waitForDeath()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let event = try #require(agent.journal.recoveries.first)
        #expect(event.settledMessages.map(\.id) == ["u1", "s-answer-0"])
        #expect(event.inFlightUsers.isEmpty)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-1"])
        #expect(try await conductor.history().last?.text == "one two three four five")
    }
}
