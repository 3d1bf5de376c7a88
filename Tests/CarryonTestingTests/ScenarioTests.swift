import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

/// What a mock without deaths and offsets could not express.
@Suite("Scenarios over deaths", .timeLimit(.minutes(1)))
struct ScenarioTests {
    /// A turn is settled there, and its worker has not come to the next one.
    static let afterTheEnd: [KillPoint] = [.inSettle, .afterSettle, .beforeCommit, .afterComplete]

    private static func chat() -> MockChatAgent {
        MockChatAgent(Undoing())
    }

    private static func questions(_ chat: MockChatAgent) -> [String] {
        chat.prompts.compactMap { $0.messages.last?.text }
    }

    @Test(
        "Of two recovered messages, the first's turn was completed: the next worker runs the second, once (S45)",
        arguments: afterTheEnd)
    func recoveredTwice(_ point: KillPoint) async throws {
        let chat = Self.chat()
        chat.kill(at: .afterBeginRun)
        try await chat.send("u1")
        chat.enqueue("u2")
        chat.kill(at: point)
        try await chat.boot()
        #expect(chat.checkpoint?.turns == 1 && Self.questions(chat) == ["u1"])
        let turns = try await chat.boot()
        #expect(turns.last?.text == "to u2" && turns.last?.run == 1)
        #expect(Self.questions(chat) == ["u1", "u2"])
        #expect(chat.checkpoint?.messages.map(\.text) == ["u1", "to u1", "u2", "to u2"])
        #expect(chat.turns.map { $0.controls.count { $0.subtype == "turn-complete" } } == [1, 1])
    }

    @Test(
        "Messages that arrive while the first is answered become turns in order, each once, over a kill (S92)",
        arguments: afterTheEnd)
    func arrivedWhileBusy(_ point: KillPoint) async throws {
        let chat = Self.chat()
        chat.enqueue("m2", at: .midStream)
        chat.enqueue("m3", at: .midStream, occurrence: 2)
        chat.kill(at: point)
        try await chat.send("m1")
        #expect(chat.checkpoint?.turns == 1 && Self.questions(chat) == ["m1"])
        let turns = try await chat.boot()
        #expect(turns.suffix(2).map(\.text) == ["to m2", "to m3"] && turns.allSatisfy(\.isSettled))
        #expect(Self.questions(chat) == ["m1", "m2", "m3"])
        #expect(chat.checkpoint?.messages.map(\.text) == ["m1", "to m1", "m2", "to m2", "m3", "to m3"])
        #expect(chat.committedOffset == 3)
    }

    @Test(
        "An answer that goes on after a tool's result and is interrupted stays one message with all its parts (S82)",
        arguments: ToolTests.cases.filter { ![.beforeTool, .afterTool, .stepBoundary].contains($0.point) })
    func interruptedContinuation(_ test: ToolTests.Case) async throws {
        let chat = MockChatAgent(BookingAgent(isExternal: true))
        let asked = try await chat.send("room 12, please")
        chat.kill(at: test.point, occurrence: test.occurrence)
        try await chat.answerTool(callID: "call-1", output: "done")
        try await chat.boot()
        let messages = try #require(chat.checkpoint?.messages)
        #expect(messages.count == 2 && messages.last?.id == asked.storedMessage?.id)
        #expect(messages.last?.text == BookingAgent.answer)
        let calls = messages.last?.parts.compactMap { if case .tool(let call) = $0 { call } else { nil } }
        #expect(calls?.map(\.state) == [.outputAvailable] && calls?.first?.input == ["room": 12])
        #expect(chat.checkpoint?.turns == 2)
    }

    /// The steps of an action.
    static let aside: [KillPoint] = [
        .beforeBeginRun, .afterBeginRun, .beforeSettle, .inSettle, .afterSettle, .beforeCommit,
    ]

    @Test("An undo takes two messages back, and not four, over a kill (S96)", arguments: aside)
    func undo(_ point: KillPoint) async throws {
        let chat = Self.chat()
        for text in ["a", "b"] { try await chat.send(text) }
        chat.kill(at: point)
        let action = try await chat.act("undo")
        #expect(action.state == .interrupted(.crashed("SIGKILL"), at: point))
        #expect(try await chat.boot().first?.controls == [.actionComplete(outcome: "completed")])
        #expect(chat.checkpoint?.messages.map(\.text) == ["a", "to a"])
        let turn = try await chat.send("c")
        #expect(turn.prompts.first?.messages.map(\.text) == ["a", "to a", "c"] && turn.turn == 2 && turn.run == 1)
    }

    @Test(
        "An action between two messages in flight is carried out between them, once, over a kill (S66)",
        arguments: aside)
    func actionInFlight(_ point: KillPoint) async throws {
        let agent = Undoing()
        let chat = MockChatAgent(agent)
        try chat.seedInputTail([
            Request(kind: .message(.user(id: "u1", text: "u1"))), Request(kind: .action("count")),
            Request(kind: .message(.user(id: "u2", text: "u2"))),
        ])
        chat.kill(at: point, occurrence: 2)
        try await chat.boot()
        #expect(chat.turns.map(\.isSettled) == [true, false, false])
        #expect(chat.turn(at: 1)?.state == .interrupted(.crashed("SIGKILL"), at: point))
        let turns = try await chat.boot()
        #expect(turns.map(\.isSettled) == [true, true])
        #expect(turns.first?.controls == [.actionComplete(outcome: "completed")])
        #expect(Set(agent.seen.all) == [["u1", "to u1"]])
        #expect(chat.checkpoint?.locals["count"] == 1)
        #expect(chat.checkpoint?.messages.map(\.text) == ["u1", "to u1", "u2", "to u2"])
        #expect(Self.questions(chat) == ["u1", "u2"])
    }

    @Test("A session that was left for a newer version is answered by it, from the same message (S98)")
    func upgrade() async throws {
        let chat = MockChatAgent(HookedAgent(onStart: { $0.identity.lifecycle.requestUpgrade() }))
        let left = try await chat.send("hello")
        #expect(left.state == .waiting && left.controls.last == .upgradeRequired(turn: 0))
        #expect(!chat.hooks.contains(.run) && chat.committedOffset == 0)
        await #expect(throws: MockChatError.noWorker) { try await chat.send("more") }
        #expect(try await chat.boot(HookedAgent()).map(\.outcome) == [.completed])
        #expect(chat.checkpoint?.messages.map(\.text) == ["hello", "one two three four"])
    }
}

/// An agent that says whom it answers, takes the last exchange back on demand, and counts.
private struct Undoing: ChatAgent {
    static let count = DurableLocalsKey<Int>("count")

    let name = "undoing"
    /// The histories that were there when it was to count.
    let seen = Notes<[String]>()

    func run(_ turn: Turn) async throws {
        try await turn.respond(with: StubModel { .text("to \($0.messages.last?.text ?? "")") })
    }

    func onAction(_ event: ActionEvent) async throws {
        guard event.action == "count" else { return event.history.slice(0, -2) }
        seen.add(event.history.messages.map(\.text))
        let locals = event.identity.locals
        try locals.set((try locals.value(Self.count) ?? 0) + 1, for: Self.count)
    }
}
