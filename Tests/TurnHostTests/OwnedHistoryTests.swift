import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Agents that keep their histories themselves")
struct OwnedHistoryTests {
    private static let kept = [Message.user(id: "k1", text: "kept"), Message(id: "k2", role: .assistant)]

    @Test("S36: No messages are stored, a dead turn is an ordinary one, and the recovery hook is silent")
    func silentRecovery() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent(ownsHistory: true), killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u1")
        let death = try await conductor.waitForDeath()
        let agent = HookAgent(ownsHistory: true, hydrating: { _ in Self.kept })
        try await conductor.start(agent, death: death)
        try await conductor.finish(agent, turns: 1)
        #expect(agent.journal.count(.recovery) == 0)
        #expect(agent.journal.promptIDs == [["k1", "k2", "u1"]])
        #expect(agent.journal.prompts.map(\.continuation) == [nil])
        #expect(try conductor.view().answer(turn: 0).text == "one two three four five")
        #expect(conductor.view().isGapless)
        #expect(try await conductor.history().isEmpty)
        #expect(agent.journal.completes.map { $0.newMessages.map(\.id) } == [["u1", "s-answer-0"]])
    }

    @Test("The history that the worker had is shown after a turn, and nothing of it after a boot")
    func previousMessages() async throws {
        let conductor = try Conductor()
        let seen = Seen<[String]>()
        let agent = HookAgent(
            ownsHistory: true,
            hydrating: { event in
                seen.add(event.previousMessages.map(\.id))
                return event.previousMessages
            }, acting: { _ in })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.send(.action(.null))
        conductor.send(.regenerate)
        try await conductor.finish(agent, turns: 2)
        #expect(seen.all == [[], ["u1", "s-answer-0"], ["u1", "s-answer-0"]])
        try await conductor.moveTo(agent)
        conductor.say("two", id: "u2")
        try await conductor.finish(agent, turns: 3)
        #expect(seen.all.last == [])
    }

    @Test("A message is put into the stored history once, and only a user's")
    func upserting() async throws {
        let conductor = try Conductor()
        let seen = Seen<[String]>()
        let agent = HookAgent(
            ownsHistory: true,
            hydrating: { event in
                let once = event.upserting(into: Self.kept)
                let twice = event.upserting(into: once)
                seen.add(twice.map(\.id))
                return twice
            }, acting: { _ in })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.send(.action(.null))
        conductor.send(.regenerate)
        try await conductor.finish(agent, turns: 2)
        #expect(seen.all == [["k1", "k2", "u1"], ["k1", "k2"], ["k1", "k2"]])
        #expect(agent.journal.promptIDs.first == ["k1", "k2", "u1"])
        #expect(agent.journal.completes.first?.newMessages.map(\.id) == ["u1", "s-answer-0"])
    }

    @Test("Invariant 7: A request that kills its hosts is given up also where the agent keeps the history")
    func crashLoop() async throws {
        let conductor = try Conductor()
        conductor.say("bad", id: "u1")
        conductor.say("good", id: "u2")
        var death: HostDeath?
        for _ in 0..<3 {
            try await conductor.start(
                HookAgent(ownsHistory: true), killAt: .init(step: .afterBeginRun), death: death)
            death = try await conductor.waitForDeath()
        }
        let agent = HookAgent(ownsHistory: true)
        try await conductor.start(agent, death: death)
        try await conductor.finish(agent, turns: 2)
        #expect(conductor.log.deadLetters.count == 1)
        #expect(conductor.view().completes.map(\.outcome) == [.deadLettered, .completed])
        #expect(agent.journal.promptIDs.map(\.last) == ["u2"])
        #expect(try await conductor.history().isEmpty)
    }

    @Test("Readers are told of a run that took over, and to forget what the dead one said")
    func readersAreTold() async throws {
        let conductor = try Conductor()
        try await conductor.start(HookAgent(ownsHistory: true), killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "u1")
        let death = try await conductor.waitForDeath()
        try await conductor.start(HookAgent(ownsHistory: true), death: death)
        try await conductor.finish()
        #expect(conductor.subtypes == ["turn-start", "turn-start", "recovered", "superseded", "turn-complete"])
    }
}
