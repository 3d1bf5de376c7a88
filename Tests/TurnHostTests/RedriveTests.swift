import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Requests that were set aside and are sent again")
struct RedriveTests {
    private static let question = "#script\nsay one two three four five"
    private static let redrive = Redrive(letter: "dead-letters-0-0", letterTimestamp: 7, origin: "0-0", count: 1)

    private static func request(id: String = "u1") -> Request {
        Request(kind: .message(.user(id: id, text: question)), idempotencyKey: "own")
    }

    /// A conductor whose first request died in the middle of its answer, and then at once until it was given up.
    private static func givenUp(_ request: Request) async throws -> Conductor {
        let conductor = try Conductor()
        conductor.send([request])
        var death: HostDeath?
        for run in 1...3 {
            let kill: RunningHost.Kill = run == 1 ? .init(step: .midStream, occurrence: 3) : .init(step: .afterBeginRun)
            try await conductor.start(killAt: kill, death: death)
            death = try await conductor.waitForDeath(.crashed, cause: "SIGTEST")
        }
        try await conductor.start(death: death)
        try await conductor.finish()
        try await waitFor { conductor.log.deadLetters.count == 1 }
        return conductor
    }

    @Test(
        "The turn of a request that is sent again takes the place of the one that was given up, and a second time changes nothing",
        // The second one's producer had left the id out, which is then the record's place.
        arguments: ["u1": "u1", "0-0": ""])
    func takesItsPlace(id: String, written: String) async throws {
        let conductor = try await Self.givenUp(Self.request(id: id))
        let left = try await conductor.history()
        #expect(left.map(\.role) == [.user, .assistant], "there was nothing to take the place of")
        for _ in 0..<2 {
            conductor.send([Self.request(id: written)], redrive: Self.redrive)
            try await conductor.finish()
        }
        let history = try await conductor.history()
        #expect(history.map(\.text) == [Self.question, "one two three four five"])
        #expect(history.map(\.id) == [id, "s-answer-1"])
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.deadLettered, .completed])
        #expect(view.isGapless)
        #expect(view.controls().last == .duplicate(requestID: "0-0"))
        #expect(Set(view.events.map(\.requestID)) == ["0-0"])
        let first = try await conductor.store.idempotencyKey(session: "s", key: Self.redrive.idempotencyKey)
        #expect(first?.offset == 1)
    }

    @Test("It has a budget of its own, and its answer goes on where its own death left it")
    func diesAgain() async throws {
        let request = Self.request()
        let conductor = try await Self.givenUp(request)
        conductor.kill()
        conductor.send([request], redrive: Self.redrive)
        // As a second operator sends it at the same time: it is no newer message of the user.
        conductor.send([request], redrive: Self.redrive)
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 2))
        let death = try await conductor.waitForDeath(.crashed, cause: "SIGTEST")
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(try await conductor.history().map(\.text) == [Self.question, "one two three four five"])
        #expect(conductor.log.deadLetters.count == 1)
        #expect(try conductor.view().answer(turn: 1).text == "one two three four five")
        #expect(conductor.view().completes.map(\.outcome) == [.deadLettered, .completed])
    }

    @Test("A second request with the same key that waits does not cut the dead run's answer short")
    func waitingCopy() async throws {
        let conductor = try Conductor()
        for _ in 0..<2 { conductor.send([Self.request()]) }
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 2))
        let death = try await conductor.waitForDeath()
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(try await conductor.history().map(\.text) == [Self.question, "one two three four five"])
    }

    @Test("Once the session has gone on, the question is asked anew at its end, and nothing is lost")
    func behindNewer() async throws {
        let request = Self.request()
        let conductor = try await Self.givenUp(request)
        conductor.say("next", id: "u2")
        try await conductor.finish()
        let before = try await conductor.history()
        conductor.send([request], redrive: Self.redrive)
        try await conductor.finish()
        let history = try await conductor.history()
        #expect(Array(history.prefix(before.count)) == before)
        #expect(history.dropFirst(before.count).map(\.text) == [Self.question, "one two three four five"])
        #expect(history.dropFirst(before.count).map(\.id) == ["u1-2", "s-answer-2"])
    }

    @Test("A message of the same id that was answered is not taken out of the history")
    func otherMessage() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.send([Self.request()])
        try await conductor.finish()
        let before = try await conductor.history()
        // Of a record that never was a turn, as an undecodable one.
        conductor.send([Self.request()], redrive: Self.redrive)
        try await conductor.finish()
        #expect(Array(try await conductor.history().prefix(2)) == before)
        #expect(try await conductor.history().count == 4)
    }

    @Test("An answer to a call whose turn was given up is heard when it is sent again")
    func toolAnswer() async throws {
        let conductor = try Conductor()
        try await conductor.start(ToolAgent(tools: [.ask()]))
        conductor.say("ask:a", id: "u1")
        try await conductor.finish()
        conductor.kill()
        conductor.answer("a", "yes")
        var death: HostDeath?
        for _ in 0..<3 {
            try await conductor.start(
                ToolAgent(tools: [.ask()]), killAt: .init(step: .afterBeginRun), death: death)
            death = try await conductor.waitForDeath(.crashed, cause: "SIGTEST")
        }
        try await conductor.start(ToolAgent(tools: [.ask()]), death: death)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .deadLettered])
        let message = Message(id: "s-answer-0", role: .assistant, parts: [.tool(.output("a", "yes"))])
        for _ in 0..<2 {
            conductor.send([Request(kind: .message(message))], redrive: Self.redrive)
            try await conductor.finish()
        }
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .deadLettered, .completed])
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.text.hasSuffix(#"heard a="yes""#) == true)
    }
}
