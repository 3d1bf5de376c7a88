import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Requests that go to workers with more memory")
struct ForwardTests {
    @Test("The answer goes on over there where it stopped: same turn, next run, no gap")
    func goesOn() async throws {
        let sides = try await TwoSides.withForwarded()
        let partial = try sides.view.answer(turn: 0).text
        #expect(partial == "one two three")
        #expect(try await sides.session()?.openRuns.map(\.run) == [1, 2, 3])
        try await sides.carryOn()

        #expect(try sides.view.answer(turn: 0).text == "one two three four five")
        #expect(try await sides.small.history().map(\.text) == [TwoSides.question, "one two three four five"])
        #expect(sides.view.isGapless)
        #expect(sides.view.completes.map(\.outcome) == [.completed])
        #expect(sides.policies == ["forward", "continue"])
        #expect(sides.view.controls(turn: 0).filter { $0.subtype == "superseded" } == [])
        #expect(Set(sides.view.events.map(\.requestID)) == ["0-0"])
        #expect(Set(sides.view.events.map(\.requestOffset)) == [0])
        #expect(sides.small.log.deadLetters.isEmpty)
        let statuses = try await sides.small.store.listRuns(
            session: "s", status: nil, regions: nil, cursor: nil, limit: 9
        ).items.reversed().map(\.status)
        #expect(statuses == [.interrupted, .interrupted, .interrupted, .completed])
        let handed = try #require(try await sides.small.store.run("s/0/3"))
        #expect((handed.causeKind, handed.cause) == (.handover, "forwarded to big"))
    }

    @Test("The record comes as it was, to the partition of the same number, and says where it comes from")
    func record() async throws {
        let sides = try await TwoSides.withForwarded()
        let record = try #require(sides.small.log.forwarded.first)
        #expect(sides.small.log.forwarded.count == 1)
        #expect((record.topic, record.partition) == ("big", 0))
        #expect(record.key == Array("s".utf8))
        #expect(record.value == Request(kind: .message(.user(id: "u1", text: TwoSides.question))).serialized())
        let expected = [
            KafkaHeader("forwarded-from", "requests-0-0"), KafkaHeader("forwarded-from-timestamp", "5000"),
            KafkaHeader("forwarded-for", "out-of-memory"),
        ]
        #expect(record.headers == expected)
        #expect(try await sides.session()?.forwarded?.offset == 0)
    }

    @Test("What comes behind it follows it in order, until it is settled over there; then requests run here again")
    func followers() async throws {
        let sides = try await TwoSides.withForwarded()
        for text in ["second", "third"] { sides.small.say(text, id: text) }
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == 3)
        try await sides.carryOn()
        let agent = RecordingAgent()
        try await sides.small.start(agent)
        sides.small.say("fourth", id: "fourth")
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == 3)
        #expect(agent.journal.prompts.last?.messages.count == 7)

        let history = try await sides.small.history()
        #expect(history.filter { $0.role == .user }.map(\.id) == ["u1", "second", "third", "fourth"])
        #expect(history.map(\.role) == [.user, .assistant, .user, .assistant, .user, .assistant, .user, .assistant])
        #expect(sides.view.completes.map(\.turn) == [0, 1, 2, 3])
        #expect(sides.view.isGapless)
    }

    @Test("A session goes back and forth, and each side works with what the other has made of it")
    func backAndForth() async throws {
        let sides = try await TwoSides.withForwarded()
        try await sides.carryOn()
        sides.small.say("here", id: "u2")
        try await sides.small.finish()
        sides.small.kill()
        sides.small.say("#script\nsay six seven eight nine", id: "u3")
        try await sides.small.start(death: try await sides.useUpBudget())
        try await sides.small.finish()
        try await sides.carryOn()
        let texts = try await sides.small.history().filter { $0.role == .assistant }.map(\.text)
        #expect(texts.count == 3)
        #expect([texts.first, texts.last] == ["one two three four five", "six seven eight nine"])
        #expect(sides.view.completes.map(\.turn) == [0, 1, 2])
        #expect(sides.view.isGapless)
    }

    @Test(
        "A death on the way takes effect once: whether the other side has answered by then or not",
        arguments: [TurnStep.beforeSettle, .afterSettle, .beforeCommit], [false, true])
    func diesOnTheWay(step: TurnStep, isAnswered: Bool) async throws {
        let sides = try TwoSides()
        sides.small.say(TwoSides.question, id: "u1", key: "own")
        let death = try await sides.useUpBudget()
        try await sides.small.start(killAt: .init(step: step), death: death)
        let last = try await sides.small.waitForDeath(.crashed)
        #expect(sides.small.log.forwarded.count == 1)
        if isAnswered { try await sides.carryOn() }
        try await sides.small.start(death: last)
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == (step == .beforeSettle ? 2 : 1))
        try await sides.carryOn()
        #expect(try await sides.small.history().map(\.text) == [TwoSides.question, "one two three four five"])
        #expect(sides.view.completes.map(\.outcome) == [.completed])
        #expect(sides.policies == ["forward", "continue"])

        sides.small.say("next", id: "u2")
        try await sides.small.finish()
        #expect(sides.view.completes.map(\.turn) == [0, 1])
        #expect(sides.view.isGapless)
        #expect(!sides.view.controls().contains { $0.subtype == "duplicate" })
    }

    @Test("A request that was forwarded twice is no newer message of the user's: its own answer goes on after a death")
    func forwardedTwice() async throws {
        let sides = try TwoSides()
        sides.small.say(TwoSides.question, id: "u1")
        let death = try await sides.useUpBudget()
        try await sides.small.start(killAt: .init(step: .beforeSettle), death: death)
        let last = try await sides.small.waitForDeath(.crashed)
        try await sides.small.start(death: last)
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == 2)
        let agent = Assistant(model: ScriptedModel())
        try await sides.big.start(agent, killAt: .init(step: .midStream, occurrence: 1))
        sides.big.takeForwarded()
        let over = try await sides.big.waitForDeath(.crashed)
        try await sides.big.start(agent, death: over)
        try await sides.big.finish()
        #expect(try await sides.small.history().map(\.text) == [TwoSides.question, "one two three four five"])
        #expect(sides.view.completes.map(\.outcome) == [.completed])
        #expect(sides.policies == ["forward", "continue", "continue"])
        #expect(sides.view.isGapless)
    }

    @Test("While the other topic is away the request waits, and what was decided holds for the next host")
    func topicIsAway() async throws {
        let sides = try TwoSides()
        sides.small.say(TwoSides.question, id: "u1")
        let death = try await sides.useUpBudget()
        sides.small.log.refusesForwarded = true
        try await sides.small.start(death: death)
        try await waitFor { try await sides.session()?.forwarded != nil }
        #expect(sides.small.settledOffsets.isEmpty)
        let last = sides.small.kill()
        sides.small.log.refusesForwarded = false
        try await sides.small.start(death: last)
        try await sides.small.finish()
        #expect(try await sides.session()?.openRuns.count == 3)
        try await sides.carryOn()
        #expect(try sides.view.answer(turn: 0).text == "one two three four five")
        #expect(sides.view.isGapless)
    }

    @Test("A stop follows the turn, and ends it over there")
    func stop() async throws {
        let question = "#script\nsay one two three four five\nsleep 60s\nsay six"
        let sides = try await TwoSides.withForwarded(Request(kind: .message(.user(id: "u1", text: question))))
        try await sides.big.start()
        sides.big.takeForwarded()
        try await sides.small.waitForText("five")
        sides.small.send(.stop(reason: "enough"), key: "stop")
        try await sides.small.finish()
        sides.big.takeForwarded()
        try await sides.big.finish()
        #expect(sides.view.completes.map(\.outcome) == [.stopped])
        #expect(try sides.view.answer(turn: 0).text == "one two three four five")
        sides.small.say("next", id: "u2")
        try await sides.small.finish()
        #expect(sides.view.completes.map(\.outcome) == [.stopped, .completed])
        #expect(sides.small.log.forwarded.count == 2)
    }

    @Test("A stop that finds nothing to stop over there does not hold the session there")
    func lateStop() async throws {
        let sides = try await TwoSides.withForwarded()
        sides.small.send(.stop(reason: nil))
        try await sides.small.finish()
        // Behind the turn, not beside it.
        try await sides.big.start()
        try await sides.carryOn()
        sides.small.say("next", id: "u2")
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == 2)
    }

    @Test("A key is the session's on both sides: a second request with it is a duplicate, here and over there")
    func keys() async throws {
        let request = Request(kind: .message(.user(id: "u1", text: TwoSides.question)), idempotencyKey: "own")
        let sides = try await TwoSides.withForwarded(request)
        sides.small.send([request])
        try await sides.small.finish()
        try await sides.carryOn()
        #expect(sides.view.controls().last == .duplicate(requestID: "0-1"))
        sides.small.send([request])
        try await sides.small.finish()
        #expect(sides.view.controls().last == .duplicate(requestID: "0-2"))
        #expect(sides.view.completes.count == 1)
        #expect(sides.view.isGapless)
        #expect(sides.small.log.forwarded.count == 2)
    }

    @Test(
        "Deaths here are not charged over there; what uses its budget up there too is set aside, and goes nowhere else")
    func budgetOverThere() async throws {
        let sides = try await TwoSides.withForwarded()
        var death: HostDeath?
        for _ in 0..<2 {
            try await sides.big.start(killAt: .init(step: .afterBeginRun), death: death)
            sides.big.takeForwarded()
            death = try await sides.big.waitForDeath(.outOfMemory, cause: "out of memory")
            #expect(sides.small.log.deadLetters.isEmpty)
        }
        try await sides.big.start(death: death)
        try await sides.big.finish()
        let letter = try #require(sides.small.log.deadLetters.first)
        func header(_ name: String) -> String? {
            letter.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(header("cause") == "out-of-memory")
        #expect(header("attempts") == "2")
        #expect(header("kafka_dlt-original-topic") == "big")
        #expect(header("forwarded-from") == "requests-0-0")
        #expect(sides.view.completes.map(\.outcome) == [.deadLettered])
        #expect(sides.small.log.forwarded.count == 1)
        sides.small.say("next", id: "u2")
        try await sides.small.finish()
        #expect(sides.view.completes.map(\.outcome) == [.deadLettered, .completed])
        #expect(sides.view.isGapless)
    }

    @Test("What was set aside over there can be sent again, once, under the name that it had")
    func redriven() async throws {
        let sides = try await TwoSides.withSetAside()
        // The small side is at work, and the big one too.
        for _ in 0..<2 {
            sides.small.send([sides.request], redrive: TwoSides.redrive)
            try await sides.small.finish()
            try await sides.carryOn()
        }
        #expect(sides.small.log.forwarded.count == 1)
        #expect(sides.view.completes.map(\.outcome) == [.deadLettered, .completed])
        #expect(sides.view.controls().last == .duplicate(requestID: "0-0"))
        #expect(try await sides.small.history().map(\.text) == [TwoSides.question, "one two three four five"])
        #expect(sides.view.isGapless)
        try await sides.checkGoesOn()
    }

    @Test("What is sent again and lacks memory again is handed over again, and both copies of it are one request")
    func redrivenAndForwarded() async throws {
        let sides = try await TwoSides.withSetAside()
        sides.small.kill()
        for _ in 0..<2 { sides.small.send([sides.request], redrive: TwoSides.redrive) }
        try await sides.small.start(death: try await sides.useUpBudget())
        // Its neighbour comes while it is on its way, and does not overtake it.
        sides.small.say("neighbour", id: "u2")
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == 4)
        try await sides.carryOn()
        #expect(sides.view.completes.map(\.outcome) == [.deadLettered, .completed, .completed])
        #expect(sides.view.controls().contains(.duplicate(requestID: "0-0")))
        let questions = try await sides.small.history().filter { $0.role == .user }.map(\.id)
        #expect(questions == ["u1", "u2"])
        #expect(try sides.view.answer(turn: 1).text == "one two three four five")
        #expect(sides.view.isGapless)
        try await sides.checkGoesOn()
    }

    @Test("One death over there, and the answer goes on there")
    func deathOverThere() async throws {
        let sides = try await TwoSides.withForwarded()
        try await sides.big.start(killAt: .init(step: .midStream, occurrence: 1))
        sides.big.takeForwarded()
        try await sides.big.start(death: try await sides.big.waitForDeath(.outOfMemory))
        try await sides.big.finish()
        #expect(sides.policies == ["forward", "continue", "continue"])
        #expect(try sides.view.answer(turn: 0).text == "one two three four five")
        #expect(sides.view.isGapless)
    }

    @Test("A closing event that died with the other side's worker is written again before the session goes on here")
    func lostClosing() async throws {
        let sides = try await TwoSides.withForwarded()
        try await sides.big.start(killAt: .init(step: .afterSettle))
        sides.big.takeForwarded()
        let death = try await sides.big.waitForDeath()
        #expect(sides.view.completes.isEmpty)
        sides.small.say("next", id: "u2")
        try await sides.small.finish()
        #expect(sides.view.completes.map(\.turn) == [0, 1])
        #expect(sides.view.isGapless)
        try await sides.big.start(death: death)
        try await sides.big.finish()
        #expect(sides.view.completes.map(\.turn) == [0, 1])
        #expect(sides.view.isGapless)
    }

    @Test("An action goes over there as well, and leaves no run behind")
    func action() async throws {
        let sides = try TwoSides()
        sides.small.say("#script\nsay one two three", id: "u1")
        try await sides.small.start()
        try await sides.small.finish()
        sides.small.kill()
        sides.small.send(.action("tidy up"))
        let death = try await sides.useUpBudget(firstDeath: .init(step: .afterBeginRun))
        try await sides.small.start(death: death)
        try await sides.small.finish()
        #expect(try await sides.session()?.openRuns.isEmpty == false)
        try await sides.carryOn()
        #expect(sides.view.controls().last?.subtype == "action-complete")
        #expect(try await sides.session()?.openRuns == [])
        sides.small.say("next", id: "u2")
        try await sides.small.finish()
        #expect(sides.view.completes.map(\.turn) == [0, 1])
        #expect(sides.view.isGapless)
    }

    @Test("A message that had joined the turn here takes effect once over there")
    func joined() async throws {
        let latch = Latch()
        let schema = try JSONSchema(.object(JSONObject()))
        func agent() -> HookAgent {
            var agent = HookAgent(onBusy: .steer, injecting: { _ in true })
            agent.toolSet = [
                Tool("wait", description: "waits", input: schema, doubt: .runAgain) { _ in
                    await latch.wait()
                    return .string("waited")
                }
            ]
            return agent
        }
        let sides = try TwoSides()
        sides.small.say("#script\nsay first\ntool wait {}\nsay second third", id: "u1")
        try await sides.small.start(agent(), killAt: .init(step: .midStream, occurrence: 2))
        try await waitFor { latch.waiting == 1 }
        sides.small.say("#script\nsay other words again", id: "u2")
        latch.open()
        var death = try await sides.small.waitForDeath(.outOfMemory)
        #expect(sides.view.chunks(turn: 0).contains { $0.saysWhatJoined }, "nothing had joined")
        try await sides.small.start(agent(), killAt: .init(step: .afterBeginRun), death: death)
        death = try await sides.small.waitForDeath(.outOfMemory)
        try await sides.small.start(agent(), death: death)
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.count == 2)
        try await sides.carryOn(agent())
        let questions = try await sides.small.history().filter { $0.role == .user }.map(\.id)
        #expect(questions == ["u1", "u2"])
        #expect(sides.view.isGapless)
        #expect(sides.view.chunks(turn: 0).count { $0.saysWhatJoined } <= 1)
    }

    @Test("An answer that was complete is settled here, however its host died")
    func answered() async throws {
        let sides = try TwoSides()
        sides.small.say(TwoSides.question, id: "u1")
        var death: HostDeath?
        for _ in 0..<3 {
            try await sides.small.start(killAt: .init(step: .beforeSettle), death: death)
            death = try await sides.small.waitForDeath(.outOfMemory)
        }
        try await sides.small.start(death: death)
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.isEmpty)
        #expect(sides.view.completes.map(\.outcome) == [.completed])
    }

    @Test("A request that crashes its hosts is set aside: more memory does not help it")
    func crashLoop() async throws {
        let sides = try TwoSides()
        sides.small.say(TwoSides.question, id: "u1")
        var death: HostDeath?
        for _ in 0..<3 {
            try await sides.small.start(killAt: .init(step: .afterBeginRun), death: death)
            death = try await sides.small.waitForDeath(.crashed)
        }
        try await sides.small.start(death: death)
        try await sides.small.finish()
        #expect(sides.small.log.forwarded.isEmpty)
        #expect(sides.small.log.deadLetters.count == 1)
    }
}
