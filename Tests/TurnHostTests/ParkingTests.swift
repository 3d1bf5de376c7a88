import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Requests of parked sessions")
struct ParkingTests {
    private static let park = ParkedSession(session: "s", reason: "its tool is down", since: 1)
    private static let redrive = Redrive(letter: "dead-letters-0-0", letterTimestamp: 7, origin: "0-0", count: 1)

    private func header(_ name: String, of letter: ProducerRecord?) -> String? {
        letter?.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A host that knows of the park before its first request is taken up, which waits for the others to be known.
    private func start(_ conductor: Conductor, death: HostDeath?) async throws {
        let host = try await conductor.start(death: death, catchUp: false)
        host.send(.park([Self.park]))
        for assignment in host.assignments.values { host.send(.caughtUp(assignment: assignment)) }
    }

    private func parked() async throws -> Conductor {
        let conductor = try Conductor()
        try await conductor.store.park(Self.park)
        return conductor
    }

    @Test("A parked session's request is settled as a dead letter with the reason, and others are answered")
    func setAside() async throws {
        let conductor = try await parked()
        try await conductor.start().send(.park([Self.park]))
        conductor.say("hello", id: "u1")
        conductor.send(.close(reason: nil))
        conductor.say("hello", to: "other")
        try await conductor.finish()
        let letters = conductor.log.deadLetters
        #expect(letters.count == 2)
        #expect(header("cause", of: letters.first) == "parked")
        #expect(header("kafka_dlt-exception-fqcn", of: letters.first) == "session_parked")
        #expect(header("kafka_dlt-exception-message", of: letters.first) == "its tool is down")
        #expect(header("kafka_dlt-original-offset", of: letters.first) == "0")
        #expect(conductor.view().controls().map(\.subtype) == ["rejected", "rejected"])
        #expect(conductor.view().isGapless)
        let stored = try await conductor.store.loadSession("s")
        #expect(stored?.turns == 0 && stored?.isClosed == false && stored?.messages.isEmpty == true)
        #expect(conductor.view("other").completes.map(\.outcome) == [.completed])
    }

    @Test("What is sent again is answered though the session is parked, and what comes behind it waits")
    func sentAgain() async throws {
        let conductor = try await parked()
        try await conductor.start().send(.park([Self.park]))
        let request = Request(kind: .message(.user(id: "u1", text: "#script\nsay one two")))
        conductor.send([request])
        conductor.send([request], redrive: Self.redrive)
        conductor.say("behind", id: "u2")
        try await conductor.finish()
        #expect(conductor.log.deadLetters.count == 2)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
        #expect(try conductor.view().answer(turn: 0).text == "one two")
    }

    @Test("A host that still takes a released session for parked asks the store, and answers")
    func oldNews() async throws {
        let conductor = try Conductor()
        try await conductor.start().send(.park([Self.park]))
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        #expect(conductor.log.deadLetters.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test("A turn that runs when its session is parked ends as it would, and the next is set aside")
    func running() async throws {
        let conductor = try Conductor()
        let host = try await conductor.start()
        conductor.say("#script\nsay one two\nsleep 300ms\nsay three", id: "u1")
        conductor.say("next", id: "u2")
        try await conductor.waitForText("two")
        try await conductor.store.park(Self.park)
        host.send(.park([Self.park]))
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(conductor.log.deadLetters.count == 1)
        #expect(header("kafka_dlt-original-offset", of: conductor.log.deadLetters.first) == "1")
    }

    @Test("A turn whose host died is set aside with its session, and is asked anew when it is sent again")
    func died() async throws {
        let conductor = try Conductor()
        let request = Request(kind: .message(.user(id: "u1", text: "#script\nsay one two three")))
        conductor.send([request])
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 2))
        let death = try await conductor.waitForDeath()
        try await conductor.store.park(Self.park)
        try await start(conductor, death: death)
        try await conductor.finish()
        let letter = conductor.log.deadLetters.first
        #expect(conductor.view().completes.map(\.outcome) == [.deadLettered])
        #expect(header("cause", of: letter) == "parked")
        #expect(header("kafka_dlt-exception-message", of: letter) == "its tool is down")
        #expect(conductor.view().isGapless)
        conductor.send([request], redrive: Self.redrive)
        try await conductor.finish()
        #expect(try await conductor.history().map(\.text) == ["#script\nsay one two three", "one two three"])
    }

    @Test("A turn that is handed over goes on though its session is parked")
    func handedOver() async throws {
        let conductor = try Conductor()
        conductor.say("#script\nsay one two\nsleep 300ms\nsay three", id: "u1")
        try await conductor.start()
        try await conductor.waitForText("two")
        try await conductor.store.park(Self.park)
        try await conductor.revoke()
        try await start(conductor, death: nil)
        try await conductor.finish()
        #expect(conductor.log.deadLetters.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test("A stop passes: it has nothing to stop, and is none to be sent again")
    func stops() async throws {
        let conductor = try await parked()
        try await conductor.start().send(.park([Self.park]))
        conductor.send(.stop(reason: nil), key: "k")
        try await conductor.finish()
        #expect(conductor.log.deadLetters.isEmpty)
    }
}
