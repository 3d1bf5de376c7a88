import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Budgets by cause of death")
struct BudgetTests {
    struct Case: Sendable {
        var kind: RunEnd
        var deaths: Int
        var cause: String
        var code: String
    }

    @Test(
        "Invariant 7: A request that kills its hosts as often as it may is dead-lettered, readers are told, and the session goes on",
        arguments: [
            Case(kind: .crashed, deaths: 3, cause: "crash-loop", code: "crash_loop"),
            Case(kind: .outOfMemory, deaths: 2, cause: "out-of-memory", code: "out_of_memory"),
        ])
    func exhausted(_ test: Case) async throws {
        let conductor = try Conductor()
        conductor.say("#script\nsay one two three four five", id: "u1")
        conductor.say("next", id: "u2")
        var death: HostDeath?
        for _ in 0..<test.deaths {
            try await conductor.start(killAt: .init(step: .afterBeginRun), death: death)
            death = try await conductor.waitForDeath(test.kind, cause: "SIGTEST")
            #expect(conductor.log.deadLetters.isEmpty)
        }
        let agent = RecordingAgent()
        try await conductor.start(agent, death: death)
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 2 }

        let letter = try #require(conductor.log.deadLetters.first)
        #expect(conductor.log.deadLetters.count == 1)
        #expect(letter.topic == "dead-letters")
        #expect(letter.key == Array("s".utf8))
        func header(_ name: String) -> String? {
            letter.headers.last { $0.name == name }?.value.map { String(decoding: $0, as: UTF8.self) }
        }
        #expect(header("cause") == test.cause)
        #expect(header("attempts") == "\(test.deaths)")
        #expect(header("kafka_dlt-original-offset") == "0")
        #expect(header("kafka_dlt-exception-fqcn") == test.code)
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.deadLettered, .completed])
        #expect(view.words(turn: 0).suffix(2) == ["error", "turn-complete"])
        #expect(view.isGapless)
        #expect(agent.journal.prompts.map(\.messages.last?.id) == ["u2"])
        #expect(try await conductor.store.run("s/0/\(test.deaths + 1)")?.status == .deadLettered)
    }

    @Test("One death fewer than the budget, and the request is answered", arguments: [RunEnd.crashed, .outOfMemory])
    func withinBudget(kind: RunEnd) async throws {
        let conductor = try Conductor()
        conductor.say("#script\nsay one two", id: "u1")
        var death: HostDeath?
        for _ in 0..<(kind == .crashed ? 2 : 1) {
            try await conductor.start(killAt: .init(step: .afterBeginRun), death: death)
            death = try await conductor.waitForDeath(kind)
        }
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == "one two")
        #expect(conductor.log.deadLetters.isEmpty)
    }

    @Test(
        "Deaths in company cost a request nothing, are on record as what they were, and readers are told their cause",
        arguments: [RunEnd.crashed, .outOfMemory])
    func inCompany(kind: RunEnd) async throws {
        let conductor = try Conductor()
        conductor.say("#script\nsay one two", id: "u1")
        var death: HostDeath?
        for _ in 0..<6 {
            try await conductor.start(killAt: .init(step: .afterBeginRun), death: death)
            death = try await conductor.waitForDeath(kind, cause: "SIGTEST")
            death?.isInCompany = true
        }
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == "one two")
        #expect(conductor.log.deadLetters.isEmpty)
        let run = try #require(try await conductor.store.run("s/0/6"))
        #expect(run.cause == "SIGTEST")
        #expect(run.causeKind?.isCharged == false)
        let told = conductor.view().controls(turn: 0).compactMap { control in
            if case .recovered(let cause, _, _, _) = control { cause } else { nil }
        }
        #expect(told.last == kind.rawValue)
    }

    @Test("A death of a host that a run was not in is not that run's death")
    func othersDeath() async throws {
        let conductor = try Conductor { $0.flushWindow = .zero }
        conductor.say("#script\nsay one two", id: "u1")
        try await conductor.start(killAt: .init(step: .afterBeginRun))
        try await conductor.waitForDeath()
        try await conductor.start(death: HostDeath(kind: .outOfMemory, cause: "of another", hostID: "host-77"))
        try await conductor.finish()
        #expect(try await conductor.store.run("s/0/1")?.causeKind == .unknown)
    }

    @Test("A request that has its answer is settled even when its budget is used up")
    func answeredButExhausted() async throws {
        let conductor = try Conductor()
        conductor.say("#script\nsay one two", id: "u1")
        var death: HostDeath?
        for _ in 0..<4 {
            try await conductor.start(killAt: .init(step: .beforeSettle), death: death)
            death = try await conductor.waitForDeath()
        }
        try await conductor.start(death: death)
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(conductor.log.deadLetters.isEmpty)
    }
}
