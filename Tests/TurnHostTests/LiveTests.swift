import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("A turn host whose consumer changes what it may do")
struct LiveTests {
    private static let slow = "#script\nsay one two\nsleep 60s"

    private func assignment(_ host: RunningHost) throws -> Int64 { try #require(host.assignments[0]) }

    @Test("Higher concurrency lets waiting turns begin at once")
    func concurrency() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.concurrency = 1
        }
        let host = try await conductor.start()
        conductor.say(Self.slow, to: "a")
        try await conductor.waitForText("two", session: "a")
        conductor.say("hello", to: "b")
        conductor.say("hello", to: "c")
        host.send(.adjust(HostTuning(concurrency: 2, crashAttempts: 3, outOfMemoryAttempts: 2)))
        try await conductor.finish(2)
        #expect(conductor.view("a").completes.isEmpty)
        #expect(conductor.view("b").completes.count == 1 && conductor.view("c").completes.count == 1)
    }

    @Test("A changed budget counts at the next death")
    func budget() async throws {
        let conductor = try Conductor()
        conductor.say("hello", id: "u1")
        try await conductor.start(killAt: .init(step: .afterBeginRun))
        let death = try await conductor.waitForDeath()
        let host = try await conductor.start(death: death, catchUp: false)
        host.send(.adjust(HostTuning(concurrency: 10, crashAttempts: 1, outOfMemoryAttempts: 2)))
        for assignment in host.assignments.values { host.send(.caughtUp(assignment: assignment)) }
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.deadLettered])
    }

    @Test("Of a paused assignment nothing new begins, what runs goes on, and everything has its turn after that")
    func pause() async throws {
        let conductor = try Conductor(partitions: [0, 1])
        let host = try await conductor.start()
        conductor.say("#script\nsay one two\nsleep 200ms\nsay three", to: "running")
        try await conductor.waitForText("two", session: "running")
        host.send(.pause(assignments: [try assignment(host)]))
        conductor.say("hello", to: "waiting")
        conductor.send(.stop(reason: nil), to: "idle", key: "k")
        conductor.send(.message(.user(id: "u", text: "hello")), to: "elsewhere", partition: 1)
        try await conductor.finish(2)
        #expect(conductor.view("running").completes.count == 1)
        #expect(conductor.view("elsewhere", partition: 1).completes.count == 1)
        #expect(conductor.view("waiting").events.isEmpty)
        host.send(.resume(assignments: [try assignment(host)]))
        try await conductor.finish()
        #expect(conductor.view("waiting").completes.count == 1)
    }

    @Test("A turn that waits for a permit does not begin in a pause either, and keeps nobody's permit")
    func pauseBeforePermit() async throws {
        let conductor = try Conductor(partitions: [0, 1]) {
            $0.flushWindow = .zero
            $0.concurrency = 1
        }
        let host = try await conductor.start()
        conductor.send(.message(.user(id: "u", text: Self.slow)), to: "first", partition: 1)
        try await waitFor { (try? conductor.view("first", partition: 1).answer(turn: 0).text.contains("two")) == true }
        conductor.say("hello", to: "waiting")
        conductor.send(.message(.user(id: "u", text: "hello")), to: "other", partition: 1)
        host.send(.pause(assignments: [try assignment(host)]))
        conductor.send(.stop(reason: nil), to: "first", partition: 1)
        try await conductor.finish(3)
        #expect(conductor.view("other", partition: 1).completes.count == 1)
        #expect(conductor.view("waiting").events.isEmpty)
        host.send(.resume(assignments: [try assignment(host)]))
        try await conductor.finish()
    }

    @Test("A paused assignment can be given up, and the next host takes what waited")
    func revoke() async throws {
        let conductor = try Conductor()
        let host = try await conductor.start()
        host.send(.pause(assignments: [try assignment(host)]))
        conductor.say("hello", id: "u1")
        try await conductor.revoke()
        #expect(conductor.view().events.isEmpty)
        try await conductor.start()
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }
}
