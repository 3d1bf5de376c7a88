import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Tools in a test", .timeLimit(.minutes(1)))
struct ToolTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var point: KillPoint
        var occurrence = 1
        var testDescription: String { "\(point.rawValue) \(occurrence)" }
    }

    static let cases = KillPoint.allCases.flatMap { point in
        (point == .midStream ? [1, 3] : [1]).map { Case(point: point, occurrence: $0) }
    }

    @Test("A call waits for an approval, is made when it is granted, and its answer goes on")
    func approve() async throws {
        let agent = BookingAgent(approval: .always)
        let chat = MockChatAgent(agent)
        let asked = try await chat.send("room 12, please")
        #expect(asked.outcome == .completed && asked.finishReason == .toolCalls)
        #expect(chat.waitingCalls.map(\.state) == [.approvalRequested] && agent.booked.all.isEmpty)
        let turn = try await chat.approve(callID: "call-1")
        #expect(turn.turn == 1 && turn.storedMessage?.id == asked.storedMessage?.id)
        #expect(turn.storedMessage?.text == BookingAgent.answer && agent.booked.all == ["call-1"])
        #expect(chat.checkpoint?.messages.count == 2 && chat.waitingCalls.isEmpty)
        #expect(try await chat.approve(callID: "call-1").controls == [.duplicate(requestID: "0-2")])
        #expect(agent.booked.all == ["call-1"])
    }

    @Test("A call that is refused is not made")
    func deny() async throws {
        let agent = BookingAgent(approval: .always)
        let chat = MockChatAgent(agent)
        try await chat.send("room 12, please")
        let turn = try await chat.deny(callID: "call-1", reason: "too dear")
        #expect(turn.storedMessage?.text == "as you wish" && agent.booked.all.isEmpty && chat.waitingCalls.isEmpty)
        #expect(turn.prompts.first?.call("call-1")?.approval?.reason == "too dear")
    }

    @Test("A call that is answered from outside is gone on with, whatever the answer")
    func answer() async throws {
        let chat = MockChatAgent(BookingAgent(isExternal: true))
        try await chat.send("room 12, please")
        #expect(chat.waitingCalls.map(\.toolCallID) == ["call-1"])
        #expect(chat.waitingCalls.first?.input == ["room": 12])
        let turn = try await chat.answerTool(callID: "call-1", output: "done")
        #expect(turn.prompts.first?.call("call-1")?.output == "done")
        #expect(turn.storedMessage?.text == BookingAgent.answer && chat.waitingCalls.isEmpty)

        let other = MockChatAgent(BookingAgent(isExternal: true))
        try await other.send("room 12, please")
        let failed = try await other.answerTool(callID: "call-1", errorText: "full")
        #expect(failed.storedMessage?.text == "it failed: full")
    }

    @Test("An answer to a call that nobody made goes to the dead letters")
    func unknownCall() async throws {
        let chat = MockChatAgent(BookingAgent())
        try await chat.send("room 12, please")
        let turn = try await chat.answerTool(callID: "call-7", output: "done")
        #expect(turn.isSettled && turn.outcome == nil && chat.deadLetterCount == 1)
    }

    @Test("Calls of one step are made at once, each once")
    func parallel() async throws {
        let agent = BookingAgent(rooms: [["room": 1], ["room": 2], ["room": 3]])
        let chat = MockChatAgent(agent)
        let turn = try await chat.send("three rooms")
        #expect(Set(agent.booked.all) == ["call-1", "call-2", "call-3"] && agent.booked.all.count == 3)
        #expect(chat.prompts.count == 2 && turn.text == BookingAgent.answer)
        #expect((1...3).map { chat.prompts[1].call("call-\($0)")?.output } == [["room": 1], ["room": 2], ["room": 3]])
    }

    @Test(
        "After a kill at any step of a turn with a call, the call was made once and the turn has its end",
        arguments: cases)
    func kill(_ test: Case) async throws {
        let agent = BookingAgent()
        let chat = MockChatAgent(agent)
        chat.kill(at: test.point, occurrence: test.occurrence, cause: .crashed("SIGSEGV"))
        let interrupted = try await chat.send("room 12, please")
        if test.point == .afterComplete {
            #expect(interrupted.isSettled)
        } else {
            #expect(interrupted.state == .interrupted(.crashed("SIGSEGV"), at: test.point))
        }
        let beforeTheCall: [KillPoint] = [.beforeBeginRun, .afterBeginRun, .beforeTool]
        #expect(agent.booked.all == (beforeTheCall.contains(test.point) ? [] : ["call-1"]))
        try await chat.boot()
        let turn = try #require(chat.turn(at: 0))
        #expect(turn.isSettled && turn.outcome == .completed && turn.text == BookingAgent.answer)
        #expect(turn.message == turn.storedMessage)
        #expect(agent.booked.all == ["call-1"])
        #expect(chat.checkpoint?.messages.count == 2 && chat.checkpoint?.openRuns == 0)
        #expect(chat.events.map(\.seq) == Array(1...Int64(chat.events.count)))
        #expect(try await chat.send("thanks").turn == 1)
    }

    @Test("A worker waits at any step of a turn with a call, and goes on as if nothing had been", arguments: cases)
    func pause(_ test: Case) async throws {
        let agent = BookingAgent()
        let chat = MockChatAgent(agent)
        chat.pause(at: test.point, occurrence: test.occurrence)
        #expect(try await chat.send("room 12, please").state == .paused(at: test.point))
        if test.point == .beforeTool { #expect(agent.booked.all.isEmpty) }
        if test.point == .stepBoundary { #expect(chat.prompts.count == 1) }
        let turn = try #require(try await chat.proceed())
        #expect(turn.isSettled && turn.run == 1 && turn.text == BookingAgent.answer && agent.booked.all == ["call-1"])
        #expect(chat.hooks.count { $0 == .prepareMessages } == 2)
    }

    @Test(
        "A worker that slept through the loss of its partition in a turn with a call changes nothing", arguments: cases)
    func zombie(_ test: Case) async throws {
        let chat = MockChatAgent(BookingAgent())
        chat.pause(at: test.point, occurrence: test.occurrence)
        try await chat.send("room 12, please")
        try await chat.boot()
        let (checkpoint, events) = (chat.checkpoint, chat.events)
        #expect(checkpoint?.messages.last?.text == BookingAgent.answer)
        try await chat.proceed(worker: 1)
        #expect(chat.checkpoint == checkpoint && chat.events == events)
    }

    @Test("Of a call that nobody can tell about, its agent is told so", arguments: [KillPoint.beforeTool, .afterTool])
    func inDoubt(_ point: KillPoint) async throws {
        let agent = BookingAgent(reconciles: false)
        let chat = MockChatAgent(agent)
        chat.kill(at: point)
        try await chat.send("room 12, please")
        #expect(try await chat.boot().map(\.text) == [BookingAgent.unknown])
        #expect(agent.booked.all == (point == .beforeTool ? [] : ["call-1"]))
    }

    @Test("A granted call is made once, whenever its worker dies", arguments: cases)
    func killAfterApproval(_ test: Case) async throws {
        let agent = BookingAgent(approval: .always)
        let chat = MockChatAgent(agent)
        try await chat.send("room 12, please")
        chat.kill(at: test.point, occurrence: test.occurrence)
        let interrupted = try await chat.approve(callID: "call-1")
        // A granted call belongs to a step that is over.
        if test.point == .stepBoundary { #expect(interrupted.isSettled) }
        if !interrupted.isSettled || test.point == .afterComplete { try await chat.boot() }
        #expect(agent.booked.all == ["call-1"] && chat.waitingCalls.isEmpty)
        #expect(chat.turn(at: 1)?.storedMessage?.text == BookingAgent.answer)
        #expect(chat.checkpoint?.messages.count == 2 && chat.checkpoint?.turns == 2)
    }
}
