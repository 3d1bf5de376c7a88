import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Driving a session", .timeLimit(.minutes(1)))
struct DrivingTests {
    @Test("A message's turn is there with everything that it caused")
    func send() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "one two" }))
        let turn = try await chat.send("hello")
        #expect(turn.isSettled)
        #expect(turn.turn == 0 && turn.run == 1 && turn.offset == 0)
        #expect(
            turn.chunks.map(\.type) == [
                "start", "start-step", "text-start", "text-delta", "text-delta", "text-end", "finish-step", "finish",
            ])
        #expect(turn.controls.map(\.subtype) == ["turn-start", "turn-complete"])
        #expect(turn.outcome == .completed && turn.finishReason == .stop && !turn.isStopped)
        #expect(turn.text == "one two")
        #expect(turn.message == turn.storedMessage)
        #expect(turn.prompts.map { $0.messages.map(\.text) } == [["hello"]])
        let checkpoint = try #require(chat.checkpoint)
        #expect(checkpoint.messages.map(\.text) == ["hello", "one two"])
        #expect(checkpoint.turns == 1 && checkpoint.revision == 1 && checkpoint.offset == 0)
        #expect(checkpoint.nextSeq == Int64(turn.events.count) + 1)
        #expect(chat.events.map(\.seq) == Array(1..<checkpoint.nextSeq))
        #expect(chat.committedOffset == 1 && chat.endOffset == 1)
        #expect(chat.hooks == Hook.ofFirstTurn)
    }

    @Test("Each turn's prompt holds what was said before it")
    func prompts() async throws {
        let chat = MockChatAgent(Assistant(model: RecordingModel(ScriptedModel())))
        for text in ["a", "b", "c"] { try await chat.send(text) }
        #expect(chat.prompts.map(\.messages.count) == [1, 3, 5])
        #expect(chat.turns.map(\.prompts.count) == [1, 1, 1])
        #expect(chat.turns.map(\.turn) == [0, 1, 2])
    }

    @Test("A call returns after onTurnComplete has, however long that takes")
    func waitsForTheHook() async throws {
        let clock = ManualClock()
        let agent = SlowToEnd(clock: clock)
        let chat = MockChatAgent(agent, clock: clock)
        async let turn = chat.send("hello")
        await clock.untilSomebodySleeps()
        #expect(chat.committedOffset == 1)
        #expect(chat.turn(at: 0)?.state == .waiting)
        clock.advance(by: .seconds(10))
        let settled = try await turn.isSettled
        #expect(settled && agent.ended.all == [0])
    }

    @Test("A regenerate answers the last message again")
    func regenerate() async throws {
        let chat = MockChatAgent(
            Assistant(model: StubModel { [count = Counter()] _ in .text("answer \(count.next())") }))
        try await chat.send("hello")
        let turn = try await chat.regenerate()
        #expect(turn.text == "answer 2" && turn.turn == 1)
        #expect(chat.checkpoint?.messages.map(\.text) == ["hello", "answer 2"])
        #expect(chat.prompts.map { $0.messages.map(\.text) } == [["hello"], ["hello"]])
    }

    @Test("A stop ends the turn that a worker waits in, and what was said is kept")
    func stop() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "one two three" }))
        chat.pause(at: .midStream, occurrence: 2)
        let paused = try await chat.send("hello")
        #expect(paused.state == .paused(at: .midStream))
        #expect(paused.text == "one two" && paused.outcome == nil)
        let turn = try #require(try await chat.stop())
        #expect(turn.isSettled && turn.isStopped && turn.outcome == .stopped)
        #expect(turn.text == "one two")
        #expect(chat.checkpoint?.messages.map(\.text) == ["hello", "one two"])
        #expect(try await chat.send("more").text == "one two three")
        #expect(chat.committedOffset == chat.endOffset)
    }

    @Test("A stop without a running turn changes nothing")
    func idleStop() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "fine" }))
        try await chat.send("hello")
        #expect(try await chat.stop() == nil)
        #expect(try await chat.send("more").outcome == .completed)
        #expect(chat.checkpoint?.turns == 2)
    }

    @Test("A stop ends a turn that sleeps")
    func stopASleeper() async throws {
        let clock = ManualClock()
        let chat = MockChatAgent(Assistant(model: ScriptedModel(clock: clock)), clock: clock)
        async let sent = chat.send("#script\nsay before\nsleep 10s\nsay after")
        await clock.untilSomebodySleeps()
        try await chat.stop()
        let turn = try await sent
        #expect(turn.text == "before" && turn.outcome == .stopped)
        #expect(clock.now.offset == .zero)
    }

    @Test("A closed session settles later requests without a turn")
    func close() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "fine" }))
        try await chat.send("hello")
        #expect(try await chat.close().controls == [.closed(requestID: "0-1")])
        let turn = try await chat.send("more")
        #expect(turn.isSettled && turn.turn == nil && turn.controls == [.closed(requestID: "0-2")])
        #expect(chat.checkpoint?.isClosed == true && chat.checkpoint?.turns == 1)
    }

    @Test("Messages that arrive while a turn runs are answered after it, in order")
    func enqueued() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { .text("to \($0.messages.last?.text ?? "")") }))
        chat.pause(at: .midStream)
        try await chat.send("a")
        chat.enqueue("b")
        chat.enqueue("c")
        #expect(chat.turns.map(\.isSettled) == [false, false, false])
        try await chat.proceed()
        let rest = try await chat.finish()
        #expect(rest.map(\.isSettled) == [true, true])
        #expect(chat.turns.map(\.text) == ["to a", "to b", "to c"])
        #expect(chat.checkpoint?.messages.map(\.text) == ["a", "to a", "b", "to b", "c", "to c"])
    }

    @Test("Every request carries its own data, or else the session's")
    func data() async throws {
        let seen = Notes<JSON?>()
        let agent = HookedAgent(onStart: { event in seen.add(event.identity.data) })
        let chat = MockChatAgent(agent, data: ["user": 1])
        try await chat.send("a")
        try await chat.send("b", data: .null)
        try await chat.send(Request(kind: .message(.user(id: "m", text: "c"))))
        #expect(seen.all == [["user": 1], .null, nil])
    }

    @Test("A request with a key that was used is a duplicate")
    func duplicate() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "fine" }))
        let request = Request(kind: .message(.user(id: "m", text: "a")), id: "r", idempotencyKey: "k")
        try await chat.send(request)
        #expect(try await chat.send(request).controls == [.duplicate(requestID: "r")])
        #expect(chat.prompts.count == 1)
    }

    @Test("A deadline is judged by the clock")
    func deadline() async throws {
        let clock = ImmediateClock()
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "fine" }), clock: clock)
        func ask(_ deadline: Int64) async throws -> MockTurn {
            try await chat.send(
                Request(
                    kind: .message(.user(id: "m\(deadline)", text: "a")), id: "r",
                    deadline: Timestamp(milliseconds: chat.now.milliseconds + deadline)))
        }
        #expect(chat.now == Timestamp(rfc3339: "2026-01-01T00:00:00Z"))
        clock.advance(by: .milliseconds(1500))
        #expect(chat.now == Timestamp(rfc3339: "2026-01-01T00:00:01.5Z"))
        #expect(try await ask(0).outcome == .completed)
        #expect(try await ask(-1).controls == [.expired(requestID: "r")])
    }

    @Test("An agent that fails has its turn fail, and the session goes on")
    func failure() async throws {
        let chat = MockChatAgent(
            Assistant(
                model: StubModel {
                    guard $0.messages.count > 1 else { throw ModelError(.invalidRequest, "no") }
                    return "fine"
                }))
        let turn = try await chat.send("a")
        #expect(turn.outcome == .failed && turn.errorText == "no" && turn.storedMessage == nil)
        #expect(try await chat.send("b").text == "fine")
    }

    @Test("A call that nothing can come of says so")
    func timeout() async throws {
        let clock = ManualClock()
        var options = MockChatAgent.Options()
        options.patience = .milliseconds(20)
        let chat = MockChatAgent(
            Assistant(model: ScriptedModel(clock: clock)), options: options, clock: clock)
        let error = await #expect(throws: MockChatError.self) { try await chat.send("#script\nsleep 1s") }
        #expect(error?.code == "timed_out")
        await clock.advanceToNextSleeper()
        var isOver = false
        while !isOver {
            do {
                try await chat.finish()
                isOver = true
            } catch let error as MockChatError where error.code == "timed_out" {
                // So short a patience may end here too, on a machine that has much to do.
            }
        }
        #expect(chat.turn(at: 0)?.isSettled == true)
    }

    @Test("A call whose task is cancelled ends")
    func cancellation() async throws {
        let clock = ManualClock()
        let chat = MockChatAgent(Assistant(model: ScriptedModel(clock: clock)), clock: clock)
        let call = Task { try await chat.send("#script\nsleep 1s") }
        await clock.untilSomebodySleeps()
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
    }
}
