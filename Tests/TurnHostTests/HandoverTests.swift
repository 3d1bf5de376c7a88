import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import TestSupport
import Testing
import TurnHost

@Suite("Fences and handovers")
struct HandoverTests {
    private static let long = "#script\ntokens 400 1ms"
    private static let answer = (1...400).map(String.init).joined(separator: " ")

    @Test(
        "A revoked host's running turn yields; the next host goes on with the same answer, also if newer messages wait")
    func handover() async throws {
        for hasNewer in [false, true] {
            let conductor = try Conductor()
            try await conductor.start()
            conductor.say(Self.long, id: "u1")
            try await conductor.waitForText("3")
            if hasNewer { conductor.say("next", id: "u2") }
            try await conductor.revoke()
            #expect(try await conductor.store.run("s/0/1")?.causeKind == .handover)
            let agent = RecordingAgent()
            try await conductor.start(agent)
            try await conductor.finish()
            #expect(agent.journal.recoveries.isEmpty)
            let view = conductor.view()
            #expect(try view.answer(turn: 0).text == Self.answer)
            #expect(view.completes.allSatisfy { $0.outcome == .completed })
            #expect(view.completes.count == (hasNewer ? 2 : 1))
            #expect(view.isGapless)
            #expect(
                view.controls(turn: 0).contains(
                    .recovered(cause: "handover", previousRun: 1, policy: "continue", partial: true)))
        }
    }

    @Test("Handovers cost nothing from any budget")
    func handoversAreFree() async throws {
        let conductor = try Conductor()
        conductor.say(Self.long, id: "u1")
        for round in 0..<6 {
            try await conductor.start()
            try await waitFor {
                conductor.view().controls(turn: 0).count { if case .turnStart = $0 { true } else { false } } == round
                    + 1
            }
            try await conductor.revoke()
        }
        try await conductor.start()
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == Self.answer)
        #expect(conductor.log.deadLetters.isEmpty)
    }

    @Test(
        "A turn that ends within the grace of a revocation is settled, and that is reported before the assignment is let go"
    )
    func endsWithinBudget() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let host = try await conductor.start(
            RecordingAgent(answer: { turn in
                await latch.wait()
                try await turn.say("done")
            }))
        conductor.say("hello", id: "u1")
        try await waitFor { latch.waiting == 1 }
        conductor.say("next", id: "u2")
        let assignment = try #require(host.assignments[0])
        host.send(.revoke(assignments: [assignment], grace: .seconds(20)))
        latch.open()
        try await waitFor { host.reports.contains(.yielded(assignments: [assignment])) }
        #expect(
            host.reports == [
                .ready, .began(entries: [0]), .settled(entries: [0]), .yielded(assignments: [assignment]),
            ])
        #expect(conductor.settledOffsets == [0], "the second message is left to the next owner")
    }

    @Test("A revocation of nothing, or of what is lost already, is answered at once")
    func emptyRevocation() async throws {
        let conductor = try Conductor()
        let host = try await conductor.start()
        host.send(.revoke(assignments: [77], grace: .seconds(20)))
        try await waitFor { host.reports.contains(.yielded(assignments: [77])) }
        try await conductor.revoke(grace: .seconds(20))
    }

    @Test("Invariant 4: A host whose fence was taken says so once and writes nothing more")
    func fenced() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let host = try await conductor.start(
            RecordingAgent(answer: { turn in
                try await turn.say("said")
                await latch.wait()
                // The first one to settle learns of the fence; the other is not to write until then either.
                if turn.identity.session == "b" {
                    while turn.response.text.count < 100_000 { try await turn.say(" more") }
                }
            }))
        conductor.say("hello", to: "a")
        conductor.say("hello", to: "b")
        try await waitFor { latch.waiting == 2 }
        for session in ["a", "b"] { try await conductor.waitForText("said", session: session) }
        _ = try await conductor.store.takeFence(group: "g", cluster: "c1", topic: "requests", partition: 0)
        latch.open()
        let assignment = try #require(host.assignments[0])
        try await waitFor { host.reports.contains(.fenced(assignment: assignment)) }
        let count = conductor.log.events(0).count
        conductor.say("more", to: "c")
        try await waitFor { host.reports.filter { $0 == .fenced(assignment: assignment) }.count == 1 }
        try await conductor.revoke(grace: .seconds(20))
        #expect(conductor.log.events(0).count == count)
        #expect(conductor.settledOffsets.isEmpty)
        #expect(try await conductor.history("a").isEmpty)
        #expect(conductor.view("a").completes.isEmpty)
    }

    @Test("A lost partition's turn writes nothing more, however little its agent cares")
    func lost() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let ended = Latch()
        let host = try await conductor.start(
            RecordingAgent(answer: { turn in
                try await turn.say("said")
                await latch.wait()
                let stranger = Task.detached { try await turn.say("too late") }
                _ = await stranger.result
                ended.open()
            }))
        conductor.say("hello")
        try await waitFor { latch.waiting == 1 }
        try await conductor.waitForText("said")
        let count = conductor.log.events(0).count
        host.send(.lose(assignments: Array(host.assignments.values)))
        latch.open()
        await ended.wait()
        #expect(conductor.log.events(0).count == count)
        #expect(try await conductor.history().isEmpty)
        // Its fence still holds, so it can say that nobody is to be charged with the run's end.
        try await eventually(timeout: Conductor.deadline, every: .milliseconds(1)) {
            try await conductor.store.run("s/0/1")?.causeKind == .handover
        }
        let agent = RecordingAgent(answer: { try await $0.say(" and done") })
        try await conductor.start(agent)
        try await conductor.finish()
        #expect(try await conductor.store.run("s/0/1")?.cause == "the partition was lost")
        #expect(try conductor.view().answer(turn: 0).text == "said and done")
    }

    @Test("What was still merging when a partition was lost is not written")
    func lostWhileMerging() async throws {
        let conductor = try Conductor(partitions: [0, 1]) { $0.flushWindow = .seconds(1) }
        let latch = Latch()
        let host = try await conductor.start(
            RecordingAgent(answer: { turn in
                try await turn.write(.textStart(id: "t"))
                try await turn.write(.textDelta(id: "t", delta: "now "))
                try await turn.write(.textDelta(id: "t", delta: "later"))
                await latch.wait()
            }))
        func text(_ partition: Int32) -> String {
            (try? conductor.view("s\(partition)", partition: partition).answer(turn: 0).text) ?? ""
        }
        for partition: Int32 in [0, 1] {
            let message = Message.user(id: "u1", text: "hello")
            conductor.send([Request(kind: .message(message))], to: "s\(partition)", partition: partition)
        }
        try await waitFor { text(0).hasPrefix("now") && text(1).hasPrefix("now") }
        host.send(.lose(assignments: [try #require(host.assignments[0])]))
        let count = conductor.log.events(0).count
        try await waitFor { text(1) == "now later" }
        #expect(conductor.log.events(0).count == count)
        latch.open()
    }

    @Test("A fenced worker's last words are dropped by every reader, and by the recovery")
    func lastWords() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        try await conductor.start(
            RecordingAgent(answer: { turn in
                try await turn.say("first")
                await latch.wait()
            }))
        conductor.say("hello", id: "u1")
        try await waitFor { latch.waiting == 1 }
        try await conductor.waitForText("first")
        let old = conductor.log.events(0)
        let death = conductor.kill()
        latch.open()
        try await conductor.start(
            RecordingAgent(answer: { try await $0.say(" second") }), killAt: .init(step: .midStream), death: death)
        let second = try await conductor.waitForDeath()
        // The first run's zombie appends words of its own, with the numbers that the second run has used.
        let seq = Int64(old.count) + 1
        for offset in 0..<3 {
            let identity = EventIdentity(
                topic: "events", partition: 0, session: "s", turn: 0, run: 1, requestID: "0-0", requestOffset: 0,
                traceparent: nil)
            conductor.log.plant(
                identity.record(
                    seq: seq + Int64(offset), value: Chunk.textDelta(id: "say-1", delta: "zombie").serialized()))
        }
        try await conductor.start(RecordingAgent(answer: { try await $0.say(" third") }), death: second)
        try await conductor.finish()
        #expect(try conductor.view().answer(turn: 0).text == "first second third")
        #expect(try await conductor.history().last?.text == "first second third")
        #expect(conductor.view().isGapless)
    }

    @Test(
        "A position in another log does not make new requests look old, and runs of vanished requests leak into no answer"
    )
    func otherLog() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        for index in 0..<3 { conductor.say("m\(index)", id: "u\(index)") }
        try await conductor.finish()
        try await conductor.revoke()
        try await conductor.start(killAt: .init(step: .midStream, occurrence: 3))
        conductor.say("#script\nsay one two three four five", id: "vanished")
        try await conductor.waitForDeath()
        conductor.replaceLog()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say("#script\nsay brand new", id: "new")
        try await conductor.finish()
        #expect(agent.journal.recoveries.isEmpty)
        let view = conductor.view()
        #expect(try view.answer(turn: 3).text == "brand new")
        #expect(view.completes.map(\.turn) == [0, 1, 2, 3])
        #expect(view.isGapless)
        #expect(try await conductor.history().map(\.id).contains("vanished") == false)
        #expect(try await conductor.history().suffix(2).map(\.text) == ["#script\nsay brand new", "brand new"])
    }

    @Test("A message named by its offset does not take the place of one that another log had at that offset")
    func sameOffsetOfAnotherLog() async throws {
        let conductor = try Conductor()
        try await conductor.start()
        conductor.say("before", id: "0-0")
        try await conductor.finish()
        try await conductor.revoke()
        conductor.replaceLog()
        try await conductor.start()
        conductor.say("after", id: "0-0")
        try await conductor.finish()
        let questions = try await conductor.history().filter { $0.role == .user }
        #expect(questions.map(\.text) == ["before", "after"])
        #expect(Set(questions.map(\.id)).count == 2)
    }
}
