import ChatAgent
import Conversation
import SessionStore
import Testing
import TurnHost

/// What recovery makes of the two logs' tails.
@Suite("The logs' tails")
struct TailTests {
    @Test("S49: A turn that was begun and said nothing has no partial: it is run again, and no hook is asked")
    func emptyOutputTail() async throws {
        let conductor = try Conductor()
        try await conductor.start(killAt: .init(step: .afterBeginRun))
        conductor.say("#script\nsay one two", id: "u1")
        let death = try await conductor.waitForDeath()
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.recoveries.isEmpty)
        #expect(try conductor.view().answer(turn: 0).text == "one two")
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
    }

    @Test("S50: Three answers on the tail are three messages with their ids, in order")
    func threeAnswers() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        for index in 0..<3 { conductor.say("question \(index)", id: "u\(index)") }
        try await conductor.finish()
        let view = conductor.view()
        let answers = try (0..<3).map { try view.answer(turn: $0) }
        #expect(answers.map(\.id) == ["s-answer-0", "s-answer-1", "s-answer-2"])
        let stored = try await conductor.history().filter { $0.role == .assistant }
        #expect(stored.map(\.text) == answers.map(\.text))
    }

    @Test("S55, S56: Of everything that waits, only users' messages are in flight")
    func inFlight() async throws {
        let (conductor, death) = try await Conductor.withDeadTurn()
        conductor.send(.regenerate)
        conductor.send(.action(["undo": 1]))
        conductor.say("second", id: "u2")
        conductor.send(.message(Message(id: "a", role: .assistant)))
        conductor.send(.close(reason: nil))
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        #expect(agent.journal.recoveries.first?.inFlightUsers.map(\.id) == ["u1", "u2"])
    }

    @Test("S58: The position is that of the last request settled, whatever settled it")
    func lastPosition() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say("one", id: "u1")
        conductor.send(.action(["undo": 1]))
        conductor.say("two", id: "u2")
        let last = conductor.send(.close(reason: nil))
        try await conductor.finish()
        let stored = try #require(try await conductor.store.loadSession("s"))
        #expect(stored.positions.map(\.offset) == [last])
    }
}
