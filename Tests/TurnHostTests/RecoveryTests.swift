import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Recovery")
struct RecoveryTests {
    private static let question = "#script\nsay one two three four five"

    /// A conductor whose first host died in the middle of the answer to `u1`.
    private func dead(
        _ question: String = question, occurrence: Int = 3,
        _ configure: @escaping @Sendable (inout HostOptions) -> Void = { $0.flushWindow = .zero }
    ) async throws -> (Conductor, HostDeath?) {
        let conductor = try Conductor(configure: configure)
        try await conductor.start(killAt: .init(step: .midStream, occurrence: occurrence))
        conductor.say(question, id: "u1", data: .string("d1"))
        let death = try await conductor.waitForDeath(.crashed, cause: "SIGSEGV")
        return (conductor, death)
    }

    @Test("S20: A dead run's partial fires the hook once, with the partial, the dead run and the cause")
    func hookFires() async throws {
        for isSeen in [true, false] {
            let (conductor, death) = try await dead()
            let agent = RecordingAgent()
            try await conductor.start(agent, death: isSeen ? death : nil)
            try await conductor.finish()
            try await waitFor { agent.journal.completes.count == 1 }
            #expect(agent.journal.words == ["recovery 0", "boot 0", "start 0", "model 0", "complete 0"])
            let event = try #require(agent.journal.recoveries.first)
            #expect(event.cause == (isSeen ? .crashed("SIGSEGV") : .unknown))
            #expect(event.previousRunID == "s/0/1")
            #expect(event.identity.run == 2)
            #expect(event.identity.data == .string("d1"))
            #expect("one two three four five".hasPrefix(event.partialAssistant.text))
            #expect(!event.partialAssistant.text.isEmpty)
            #expect(event.inFlightUsers.map(\.id) == ["u1"])
            #expect(event.settledMessages.isEmpty)
            #expect(event.pendingToolCalls.isEmpty)
        }
    }

    @Test("S25 (ours): A partial with nothing newer waiting is gone on with in the same message")
    func continues() async throws {
        let (conductor, death) = try await dead()
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
        let (conductor, death) = try await dead {
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
        let (conductor, death) = try await dead()
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

    @Test("S29: A hook that returns a chain of one message and turns [u1] has that turn see exactly those two")
    func hookChain() async throws {
        let (conductor, death) = try await dead()
        let agent = RecordingAgent(onRecovery: { event in
            RecoveryBootResult(chain: [.user(id: "custom", text: "custom")], recoveredTurns: event.inFlightUsers)
        })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.starts.map { $0.messages.map(\.id) } == [["custom", "u1"]])
        let view = conductor.view()
        #expect(try view.answer(turn: 0).text == "one two three four five")
        #expect(try await conductor.history().map(\.id) == ["custom", "u1", "s-answer-0"])
        #expect(view.isGapless)
    }

    @Test(
        "S31: A hook that returns only turns keeps the partial in the chain, and no prompt has two messages of one id")
    func hookTurns() async throws {
        let (conductor, death) = try await dead()
        conductor.say("second", id: "u2")
        let agent = RecordingAgent(
            onRecovery: { RecoveryBootResult(recoveredTurns: $0.inFlightUsers) },
            answer: { try await $0.say("answer \($0.identity.turn)") })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let prompts = agent.journal.prompts.map { $0.messages.map(\.id) }
        #expect(prompts.first == ["u1", "s-answer-0"])
        for prompt in prompts { #expect(Set(prompt).count == prompt.count) }
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0", "s-answer-0-2", "u2", "s-answer-1"])
        #expect(history[1].text.hasPrefix("one"))
        #expect(history[2] == (try conductor.view().answer(turn: 0)))
    }

    @Test(
        "S27: A message that the hook leaves out is settled without a turn for good, also when the host dies in between"
    )
    func hookLeavesOut() async throws {
        let (conductor, death) = try await dead()
        conductor.say("second", id: "u2")
        conductor.say("third", id: "u3")
        let decides = RecordingAgent(onRecovery: { event in
            RecoveryBootResult(recoveredTurns: event.inFlightUsers.filter { $0.id == "u3" })
        })
        try await conductor.start(decides, killAt: .init(step: .beforeCommit), death: death)
        let second = try await conductor.waitForDeath()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: second)
        try await conductor.finish()
        #expect((decides.journal.prompts + agent.journal.prompts).map(\.messages.last?.id) == ["u3"])
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u3", "s-answer-2"])
        #expect(conductor.view().isGapless)
        #expect(conductor.view().completes.count == 3)
    }

    @Test("S32: What is to be done before the boot is over before the first recovered turn starts")
    func beforeBoot() async throws {
        let (conductor, death) = try await dead()
        let journal = Journal()
        let agent = RecordingAgent(
            journal: journal,
            onRecovery: { _ in RecoveryBootResult(beforeBoot: { journal.add(.note("before boot")) }) })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(journal.words.prefix(4) == ["recovery 0", "before boot", "boot 0", "start 0"])
        #expect(try conductor.view().answer(turn: 0).text == "one two three four five")
    }

    @Test("A failure before the boot fails the run, and the request is tried again")
    func failingBeforeBoot() async throws {
        struct Bad: Error {}
        let (conductor, death) = try await dead()
        let journal = Journal()
        let agent = RecordingAgent(
            journal: journal,
            onRecovery: { event in
                try event.writer.write(data: "note", .number(JSONNumber(1)))
                let isFirst = event.identity.run == 2
                return RecoveryBootResult(beforeBoot: { if isFirst { throw Bad() } })
            })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(journal.recoveries.map(\.identity.run) == [2, 3])
        let view = conductor.view()
        #expect(try view.answer(turn: 0).text == "one two three four five")
        #expect(view.isGapless)
        #expect(
            Set(conductor.log.events(0).compactMap { $0.headerString("seq") }).count == conductor.log.events(0).count)
    }

    @Test("S34: A hook that throws leaves the default policy in force")
    func throwingHook() async throws {
        struct Bad: Error {}
        let (conductor, death) = try await dead()
        let agent = RecordingAgent(onRecovery: { _ in throw Bad() })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == "one two three four five")
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test(
        "S37: An unfinished tool call is not in the partial, and is listed with its input and its place in the raw partial"
    )
    func pendingCall() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let first = RecordingAgent(answer: { turn in
            try await turn.say("looking")
            try await turn.write(.toolInputStart(toolCallID: "c1", toolName: "search"))
            try await turn.write(.toolInputAvailable(toolCallID: "c1", toolName: "search", input: .string("x")))
            await latch.wait()
        })
        try await conductor.start(first)
        conductor.say("question", id: "u1")
        try await waitFor { latch.waiting == 1 }
        try await waitFor { conductor.view().words(turn: 0).contains("tool-input-available") }
        let death = conductor.kill()
        latch.open()
        let agent = RecordingAgent(answer: { try await $0.say("found") })
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        let event = try #require(agent.journal.recoveries.first)
        #expect(event.partialAssistant.parts.count == 2, "a step and a text")
        #expect(event.partialAssistant.text == "looking")
        #expect(
            event.pendingToolCalls == [
                PendingToolCall(toolCallID: "c1", toolName: "search", input: .string("x"), partIndex: 2)
            ])
        let view = conductor.view()
        #expect(try view.answer(turn: 0).text == "lookingfound")
        #expect(try await view.answer(turn: 0) == conductor.history().last)
        #expect(view.isGapless)
        #expect(view.controls(turn: 0).contains { if case .superseded = $0 { true } else { false } })
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

    @Test("S65: What a hook wrote ahead of the answer becomes no message at the next recovery")
    func hookWrites() async throws {
        let (conductor, death) = try await dead()
        let writes: @Sendable (RecoveryBootEvent) async throws -> RecoveryBootResult? = { event in
            try event.writer.write(data: "note", .string("recovering"))
            return nil
        }
        try await conductor.start(
            RecordingAgent(onRecovery: writes), killAt: .init(step: .midStream, occurrence: 1), death: death)
        let second = try await conductor.waitForDeath()
        let agent = RecordingAgent(onRecovery: writes)
        try await conductor.start(agent, death: second)
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.text == "one two three four five")
        #expect(history.last?.parts.count == 2)
        #expect(agent.journal.recoveries.first?.partialAssistant.id == "s-answer-0")
    }

    @Test("S51, S52: Garbage among the events does not keep an answer from being gone on with")
    func garbage() async throws {
        let (conductor, death) = try await dead()
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
        let (conductor, death) = try await dead()
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
        let (conductor, death) = try await dead(occurrence: 2)
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
        let (conductor, death) = try await dead()
        conductor.say("newer", id: "u2")
        try await conductor.start(killAt: .init(step: .beforeSettle), death: death)
        let second = try await conductor.waitForDeath()
        try await conductor.start(death: second)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped, .completed])
        #expect(conductor.view().completes.map(\.stopped) == [false, false])
        #expect(conductor.view().words(turn: 0).count { $0 == "abort" } == 1)

        let (other, first) = try await dead {
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
