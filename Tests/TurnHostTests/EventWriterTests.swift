import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import TestSupport
import Testing
import TurnHost

@Suite("Writing events")
struct EventWriterTests {
    private static func writer(
        _ log: MemoryEventLog, window: Duration, maximumBytes: Int = 10_000
    ) -> EventWriter {
        EventWriter(
            log: log,
            identity: EventIdentity(
                topic: "events", partition: 0, session: "s", turn: 0, run: 1, requestID: "r", requestOffset: 0,
                traceparent: nil),
            firstSeq: 1, maximumBytes: maximumBytes, ticker: FlushTicker(window: window))
    }

    @Test("Deltas of one part merge within the window, and nothing changes its place")
    func merging() async throws {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        for window in [Duration.zero, .milliseconds(1), .seconds(3600)] {
            let log = MemoryEventLog(topic: "events")
            let writer = Self.writer(log, window: window)
            writer.open()
            var model = MessageAssembler(messageID: "m")
            var deltas = 0
            func write(_ chunk: Chunk) throws {
                try model.apply(chunk)
                try writer.write(chunk)
            }
            try write(.textStart(id: "a"))
            try write(.textStart(id: "b"))
            try write(.reasoningStart(id: "a"))
            for index in 0..<300 {
                switch Int.random(in: 0..<8, using: &random) {
                case 0: try write(.data(name: "n", id: nil, data: .number(JSONNumber(index))))
                case 1: try write(.textDelta(id: "b", delta: "b\(index) "))
                case 2: try write(.reasoningDelta(id: "a", delta: "r\(index) "))
                default: try write(.textDelta(id: "a", delta: "a\(index) "))
                }
                deltas += 1
            }
            try await writer.drain()
            let view = ReaderView(log.events(0), session: "s")
            var read = MessageAssembler(messageID: "m")
            for chunk in view.chunks(turn: 0) { try read.apply(chunk) }
            #expect(read.message == model.message, "CARRYON_TEST_SEED=\(seed)")
            #expect(view.isGapless)
            if window == .zero { #expect(view.events.count == deltas + 3) } else { #expect(view.events.count < deltas) }
        }
    }

    @Test("A delta that waits for more is written when its window ends")
    func windowEnds() async throws {
        let log = MemoryEventLog(topic: "events")
        let writer = Self.writer(log, window: .milliseconds(5))
        writer.open()
        try writer.write(.textStart(id: "a"))
        try writer.write(.textDelta(id: "a", delta: "one "))
        try writer.write(.textDelta(id: "a", delta: "two"))
        try await waitFor { (try? ReaderView(log.events(0), session: "s").answer(turn: 0).text) == "one two" }
    }

    @Test("A delta larger than a record is written in several, none of them too large", arguments: [800, 1_000, 9_000])
    func largeDelta(maximum: Int) async throws {
        let log = MemoryEventLog(topic: "events")
        let writer = Self.writer(log, window: .seconds(3600), maximumBytes: maximum)
        writer.open()
        let text = String(repeating: "é😀\u{1}\u{301}x", count: 3_000)
        try writer.write(.textStart(id: "a"))
        try writer.write(.textDelta(id: "a", delta: text))
        try await writer.drain()
        let view = ReaderView(log.events(0), session: "s")
        #expect(Array(try view.answer(turn: 0).text.utf8) == Array(text.utf8))
        #expect(log.events(0).allSatisfy { ($0.value?.count ?? 0) <= maximum })
    }

    @Test("A tool's output larger than a record is an error of that call, not a lost turn")
    func largeOutput() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.maximumEventBytes = 2_000
        }
        let agent = RecordingAgent(answer: { turn in
            try await turn.write(.toolInputAvailable(toolCallID: "c", toolName: "t", input: .null))
            try await turn.write(
                .toolOutputAvailable(toolCallID: "c", output: .string(String(repeating: "x", count: 5_000))))
            try await turn.say(String(repeating: "long ", count: 2_000))
        })
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.completed])
        #expect(view.words(turn: 0).contains("tool-output-error"))
        #expect(try await conductor.history().last == view.answer(turn: 0))
        #expect(conductor.log.events(0).allSatisfy { ($0.value?.count ?? 0) <= 2_000 })
    }

    @Test("A chunk that no record can hold fails the turn, and an error of any length can be told")
    func largeChunk() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.maximumEventBytes = 8_000
        }
        let agent = RecordingAgent(answer: { turn in
            if turn.identity.turn == 0 {
                try await turn.write(.data(name: "n", data: .string(String(repeating: "x", count: 9_000))))
            }
            throw TurnError(code: "long", message: String(repeating: "x", count: 100_000))
        })
        try await conductor.start(agent)
        conductor.say("one", id: "u1")
        conductor.say("two", id: "u2")
        try await conductor.finish()
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.failed, .failed])
        #expect(view.words(turn: 1).contains("error"))
        #expect(try await conductor.history().map(\.id).filter { $0.hasPrefix("u") } == ["u1", "u2"])
        #expect(conductor.log.events(0).allSatisfy { ($0.value?.count ?? 0) <= 8_000 })
    }

    @Test("Nothing of a run is published before its beginning is durable")
    func gated() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        let host = try await conductor.start(agent)
        let latch = Latch()
        host.faults.holdBeginnings(latch)
        conductor.say("hello", id: "u1")
        try await waitFor { latch.waiting == 1 && agent.journal.prompts.count == 1 }
        #expect(conductor.log.events(0).isEmpty)
        latch.open()
        try await conductor.finish()
        #expect(conductor.view().completes.count == 1)
        #expect(conductor.view().isGapless)
    }

    @Test("A turn settles only once every event is acknowledged")
    func settlesAfterAcknowledgement() async throws {
        let conductor = try Conductor()
        conductor.log.holdAcknowledgements()
        try await conductor.start()
        conductor.say("hello", id: "u1")
        try await waitFor { conductor.view().words(turn: 0).last == "finish" }
        #expect(try await conductor.history().isEmpty)
        #expect(conductor.settledOffsets.isEmpty)
        conductor.log.releaseAcknowledgements()
        try await conductor.finish()
        #expect(try await conductor.history().count == 2)
    }

    @Test(
        "A closing event counts as written when it is acknowledged: until then the request is not reported as settled")
    func closingAcknowledged() async throws {
        let conductor = try Conductor()
        let host = try await conductor.start()
        host.faults.refuse(.settle, 1)
        conductor.say("hello", id: "u1")
        try await waitFor { conductor.view().words(turn: 0).last == "finish" }
        conductor.log.holdAcknowledgements()
        try await waitFor { conductor.view().completes.count == 1 }
        #expect(conductor.settledOffsets.isEmpty)
        conductor.log.releaseAcknowledgements()
        try await conductor.finish()
    }

    @Test("A broker that refuses records for a while costs a run, not the turn", arguments: [1, 3, 20])
    func refusedRecords(count: Int) async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.crashAttempts = 100
        }
        try await conductor.start()
        conductor.log.failNext(count)
        conductor.say("#script\nsay one two three four", id: "u1")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try conductor.view().answer(turn: 0).text == "one two three four")
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0"])
    }

    enum Fault: String, CaseIterable { case beginRefused, beginUnanswered, settleRefused, settleUnanswered }

    @Test("A store that is away for a while, or whose answer is lost, changes nothing", arguments: Fault.allCases)
    func storeFaults(fault: Fault) async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        let host = try await conductor.start(agent)
        switch fault {
        case .beginRefused: host.faults.refuse(.beginRun, 2)
        case .beginUnanswered: host.faults.loseAnswer(to: .beginRun)
        case .settleRefused: host.faults.refuse(.settle, 2)
        case .settleUnanswered: host.faults.loseAnswer(to: .settle)
        }
        conductor.say("#script\nsay one two", id: "u1")
        conductor.say("#script\nsay three", id: "u2")
        try await conductor.finish()
        let view = conductor.view()
        #expect(view.completes.map(\.outcome) == [.completed, .completed])
        #expect(try view.answer(turn: 0).text == "one two")
        #expect(view.isGapless)
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
        if fault != .beginUnanswered { #expect(agent.journal.prompts.count == 2) }
    }
}
