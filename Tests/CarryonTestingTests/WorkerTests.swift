import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Workers that die, wait and are taken over", .timeLimit(.minutes(1)))
struct WorkerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var point: KillPoint
        var occurrence: Int
        var testDescription: String { "\(point.rawValue) \(occurrence)" }

        /// Whether the turn was settled by then.
        var isSettled: Bool {
            switch point {
            case .beforeBeginRun, .afterBeginRun, .midStream, .beforeSettle: false
            case .inSettle, .afterSettle, .beforeCommit: true
            case .beforeTool, .afterTool, .stepBoundary, .afterComplete: false
            }
        }
    }

    /// The steps that a turn without tools comes to before its request is committed.
    static let points: [KillPoint] = [
        .beforeBeginRun, .afterBeginRun, .midStream, .beforeSettle, .inSettle, .afterSettle, .beforeCommit,
    ]

    static let cases = points.flatMap { point in
        (point == .midStream ? [1, 2, 4] : [1]).map { Case(point: point, occurrence: $0) }
    }

    static let answer = "one two three four"

    private static func chat() -> MockChatAgent {
        MockChatAgent(Assistant(model: StubModel { _ in .text(answer) }))
    }

    @Test(
        "After a kill at any step the next worker brings the turn to the end that it would have had", arguments: cases)
    func kill(_ test: Case) async throws {
        let chat = Self.chat()
        chat.kill(at: test.point, occurrence: test.occurrence, cause: .crashed("SIGSEGV"))
        let interrupted = try await chat.send("hello")
        #expect(interrupted.state == .interrupted(.crashed("SIGSEGV"), at: test.point))
        #expect((chat.checkpoint != nil) == test.isSettled)
        #expect(chat.committedOffset == 0)
        if test.point == .midStream {
            #expect(
                interrupted.text
                    == Self.answer.split(separator: " ").prefix(test.occurrence).joined(separator: " "))
        }
        let turns = try await chat.boot()
        #expect(turns.map(\.isSettled) == [true])
        #expect(turns.map(\.text) == [Self.answer])
        #expect(turns.map(\.outcome) == [.completed])
        #expect(chat.checkpoint?.messages.map(\.text) == ["hello", Self.answer])
        #expect(chat.events.map(\.seq) == Array(1...Int64(chat.events.count)))
        #expect(chat.committedOffset == 1)
        #expect(chat.prompts.count <= (test.isSettled ? 1 : 2))
        let next = try await chat.send("more")
        #expect(next.turn == 1 && next.run == 1)
    }

    @Test("A worker that dies after the turn's last word has left nothing to do")
    func killAfterCompletion() async throws {
        let chat = Self.chat()
        chat.kill(at: .afterComplete)
        let turn = try await chat.send("hello")
        #expect(turn.state == .settled && turn.text == Self.answer && chat.committedOffset == 1)
        await #expect(throws: MockChatError.noWorker) { try await chat.send("more") }
        #expect(try await chat.boot().isEmpty)
        #expect(chat.hooks == Hook.ofFirstTurn)
        #expect(try await chat.send("more").run == 1)
    }

    @Test("A worker waits after the turn's last word, and takes the next request up when it goes on")
    func pauseAfterCompletion() async throws {
        let chat = Self.chat()
        chat.pause(at: .afterComplete)
        #expect(try await chat.send("hello").state == .paused(at: .afterComplete))
        #expect(chat.committedOffset == 1 && chat.hooks == Hook.ofFirstTurn)
        #expect(try await chat.send("more").state == .waiting)
        #expect(try await chat.proceed()?.isSettled == true)
        #expect(try await chat.finish().map(\.text) == [Self.answer])
    }

    @Test("A worker waits at any step, and goes on as if nothing had been", arguments: cases)
    func pause(_ test: Case) async throws {
        let chat = Self.chat()
        chat.pause(at: test.point, occurrence: test.occurrence)
        let paused = try await chat.send("hello")
        #expect(paused.state == .paused(at: test.point))
        #expect((chat.checkpoint != nil) == test.isSettled)
        #expect(chat.committedOffset == 0)
        let turn = try #require(try await chat.proceed())
        #expect(turn.isSettled && turn.run == 1 && turn.text == Self.answer)
        #expect(turn.events.map(\.seq) == Array(1...Int64(turn.events.count)))
        #expect(chat.hooks == Hook.ofFirstTurn)
        #expect(try await chat.proceed() == nil)
    }

    @Test("A worker that waits can be killed there", arguments: cases)
    func killWhileWaiting(_ test: Case) async throws {
        let chat = Self.chat()
        chat.pause(at: test.point, occurrence: test.occurrence)
        let paused = try await chat.send("hello")
        try chat.kill(cause: .outOfMemory)
        #expect(chat.turn(at: 0)?.state == .interrupted(.outOfMemory, at: nil))
        #expect(chat.turn(at: 0)?.events.count == paused.events.count)
        #expect(try await chat.boot().map(\.text) == [Self.answer])
    }

    @Test("A worker that slept through the loss of its partition changes nothing any more", arguments: cases)
    func zombie(_ test: Case) async throws {
        let chat = Self.chat()
        chat.pause(at: test.point, occurrence: test.occurrence)
        try await chat.send("hello")
        let turns = try await chat.boot()
        #expect(turns.map(\.text) == [Self.answer] && turns.map(\.isSettled) == [true])
        let checkpoint = chat.checkpoint
        let events = chat.events
        try await chat.proceed()
        #expect(chat.checkpoint == checkpoint)
        #expect(chat.events == events)
        #expect(chat.events.map(\.seq) == Array(1...Int64(chat.events.count)))
        #expect(chat.hookCalls.count { $0.hook == .onTurnComplete } <= 1)
        #expect(try await chat.send("more").outcome == .completed)
        #expect(chat.checkpoint?.messages.count == 4)
    }

    @Test("What a worker says that slept through the loss of its partition is not what readers see")
    func lastWords() async throws {
        let chat = Self.chat()
        chat.pause(at: .midStream, occurrence: 2)
        try await chat.send("hello")
        chat.pause(at: .afterBeginRun)
        #expect(try await chat.boot().map(\.state) == [.paused(at: .afterBeginRun)])
        try await chat.proceed(worker: 1)
        #expect(chat.events.last?.run == 1)
        #expect(chat.chunks.contains { $0.type == "finish" }, "the first worker said its last words")
        #expect(chat.checkpoint == nil)
        let turn = try #require(try await chat.proceed(worker: 2))
        #expect(turn.isSettled && turn.text == Self.answer)
        #expect(turn.chunks.count { $0.type == "finish" } == 1)
        #expect(chat.events.map(\.seq) == Array(1...Int64(chat.events.count)))
        #expect(chat.checkpoint?.messages.map(\.text) == ["hello", Self.answer])
    }

    @Test("What a worker reports that lost its partition commits nothing")
    func lateReport() async throws {
        let chat = Self.chat()
        chat.pause(at: .beforeCommit)
        try await chat.send("hello")
        chat.pause(at: .beforeCommit)
        try await chat.boot()
        try await chat.proceed(worker: 1)
        #expect(chat.committedOffset == 0)
        #expect(chat.turn(at: 0)?.state == .paused(at: .beforeCommit))
        try await chat.proceed(worker: 2)
        #expect(chat.committedOffset == 1)
        #expect(chat.prompts.count == 1)
    }

    @Test("The next worker is told how the one before it died")
    func cause() async throws {
        let causes = Notes<RecoveryCause>()
        let agent = HookedAgent(onRecovery: { event in
            causes.add(event.cause)
            return nil
        })
        for death in [WorkerDeath.crashed("SIGSEGV"), .outOfMemory, .unseen] {
            let chat = MockChatAgent(agent)
            chat.kill(at: .midStream, cause: death)
            try await chat.send("hello")
            let turns = try await chat.boot()
            #expect(turns.first?.controls.map(\.subtype) == ["turn-start", "turn-start", "recovered", "turn-complete"])
            #expect(turns.first?.run == 2)
            let calls = chat.hookCalls.filter { $0.worker == 2 }.map(\.description)
            #expect(
                calls.prefix(2) == ["onLoad of turn 0, run 2, worker 2", "onRecoveryBoot of turn 0, run 2, worker 2"])
        }
        #expect(causes.all == [.crashed("SIGSEGV"), .outOfMemory, .unknown])
    }

    @Test("A request that kills its workers too often is given up")
    func budget() async throws {
        var options = MockChatAgent.Options()
        options.crashAttempts = 2
        let chat = MockChatAgent(HookedAgent(), options: options)
        chat.kill(at: .midStream)
        try await chat.send("hello")
        chat.kill(at: .midStream)
        #expect(try await chat.boot().map(\.isSettled) == [false])
        #expect(try await chat.boot().map(\.outcome) == [.deadLettered])
        #expect(chat.deadLetterCount == 1)
    }

    @Test("A handover is free of charge, and the answer goes on in the middle of a sentence")
    func handover() async throws {
        let chat = Self.chat()
        chat.pause(at: .midStream, occurrence: 2)
        try await chat.send("hello")
        try await chat.handOver()
        #expect(chat.turn(at: 0)?.text == "one two")
        await #expect(throws: MockChatError.noWorker) { try await chat.send("more") }
        let turn = try #require(try await chat.boot().first)
        #expect(turn.text == Self.answer && turn.run == 2)
        #expect(
            turn.controls.contains(.recovered(cause: "handover", previousRun: 1, policy: "continue", partial: true)))
        #expect(!chat.hooks.contains(.onRecoveryBoot))
    }

    @Test("A session between its turns is handed over without a trace")
    func idleHandover() async throws {
        let chat = Self.chat()
        try await chat.send("hello")
        try await chat.handOver()
        #expect(try await chat.boot().isEmpty)
        #expect(try await chat.send("more").run == 1)
        #expect(chat.checkpoint?.messages.count == 4)
    }

    @Test("A message that arrives while no worker is there is answered by the next one")
    func arrivesInBetween() async throws {
        let chat = Self.chat()
        chat.kill(at: .midStream, occurrence: 2)
        try await chat.send("hello")
        chat.enqueue("never mind")
        let turns = try await chat.boot()
        #expect(turns.map(\.outcome) == [.stopped, .completed])
        #expect(chat.checkpoint?.messages.map(\.text) == ["hello", "one two", "never mind", Self.answer])
    }

    @Test("Another agent can take over, as after a deploy")
    func deploy() async throws {
        let chat = Self.chat()
        try await chat.send("hello")
        try await chat.handOver()
        try await chat.boot(Assistant(model: StubModel { _ in "the new one" }))
        #expect(try await chat.send("more").text == "the new one")
    }

    @Test("A dead worker calls no hook")
    func deadWorkersAreSilent() async throws {
        let chat = Self.chat()
        chat.kill(at: .afterSettle)
        try await chat.send("hello")
        try await chat.boot()
        #expect(chat.hooks == Hook.ofFirstTurn.dropLast())
        #expect(throws: MockChatError.noWorker) {
            try chat.kill()
            try chat.kill()
        }
    }
}
