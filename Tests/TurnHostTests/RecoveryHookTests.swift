import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("The recovery hook")
struct RecoveryHookTests {
    @Test("S20: A dead run's partial fires the hook once, with the partial, the dead run and the cause")
    func hookFires() async throws {
        for isSeen in [true, false] {
            let (conductor, death) = try await Conductor.withDeadTurn()
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

    @Test("S29: A hook that returns a chain of one message and turns [u1] has that turn see exactly those two")
    func hookChain() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
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
        let (conductor, death) = try await Conductor.withDeadTurn()
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
        let (conductor, death) = try await Conductor.withDeadTurn()
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
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u3", "s-answer-1"])
        #expect(conductor.view().isGapless)
        #expect(conductor.view().completes.count == 2)
        #expect(conductor.view().controls().contains(.skipped(requestID: "0-1")))
    }

    @Test("S32: What is to be done before the boot is over before the first recovered turn starts")
    func beforeBoot() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
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
        let (conductor, death) = try await Conductor.withDeadTurn()
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
        let (conductor, death) = try await Conductor.withDeadTurn()
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

    @Test("S65: What a hook wrote ahead of the answer becomes no message at the next recovery")
    func hookWrites() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
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
}
