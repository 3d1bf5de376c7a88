import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Messages that join a turn", .timeLimit(.minutes(1)))
struct SteeringTests {
    private static let notice = "data-pending-message-injected"

    @Test("A message that arrives at a step boundary is in the next prompt, and is no turn of its own (S97)")
    func joins() async throws {
        let chat = MockChatAgent(BookingAgent(onBusy: .steer))
        chat.enqueue("with a view", at: .stepBoundary)
        let turn = try await chat.send("room 12, please")
        #expect(chat.prompts.map { $0.messages.last?.text } == ["room 12, please", "with a view"])
        #expect(turn.chunks.contains { $0.type == Self.notice } && turn.text == BookingAgent.answer)
        try await chat.finish()
        #expect(chat.turn(at: 1)?.controls == [.skipped(requestID: "0-1")])
        #expect(chat.checkpoint?.turns == 1 && chat.hooks.count { $0 == .shouldInject } == 1)
    }

    @Test("A message that the agent does not want in its turn becomes the next turn (S97)")
    func waits() async throws {
        let chat = MockChatAgent(BookingAgent(onBusy: .steer, takesMessages: false))
        chat.enqueue("with a view", at: .stepBoundary)
        let turn = try await chat.send("room 12, please")
        #expect(!turn.chunks.contains { $0.type == Self.notice })
        try await chat.finish()
        #expect(chat.turns.map(\.turn) == [0, 1])
        #expect(chat.prompts.map { $0.messages.last?.text }.last == "with a view")
        #expect(chat.checkpoint?.turns == 2 && chat.hooks.count { $0 == .shouldInject } == 1)
    }

    @Test(
        "A message that has joined a turn stays in it after a kill (S97)",
        arguments: [KillPoint.midStream, .beforeSettle, .inSettle, .afterSettle, .beforeCommit])
    func killed(_ point: KillPoint) async throws {
        let chat = MockChatAgent(BookingAgent(onBusy: .steer))
        chat.enqueue("with a view", at: .stepBoundary)
        chat.kill(at: point)
        #expect(try await chat.send("room 12, please").isSettled == false)
        let turns = try await chat.boot()
        #expect(turns.map(\.outcome) == [.completed, nil])
        #expect(turns.first?.text == BookingAgent.answer)
        #expect(turns.last?.controls == [.skipped(requestID: "0-1")])
        #expect(chat.checkpoint?.messages.map(\.text).filter { $0 == "with a view" }.count == 1)
        #expect(chat.checkpoint?.turns == 1)
    }

    @Test("Messages arrive in the order in which they were ordered, also in the middle of a sentence")
    func arrivals() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "one two three" }))
        chat.enqueue("b", at: .midStream, occurrence: 2)
        chat.enqueue("c", at: .midStream, occurrence: 2)
        chat.pause(at: .midStream, occurrence: 2)
        try await chat.send("a")
        #expect(chat.turns.map(\.offset) == [0, 1, 2])
        try await chat.proceed()
        try await chat.finish()
        #expect(chat.checkpoint?.messages.filter { $0.role == .user }.map(\.text) == ["a", "b", "c"])
    }

    @Test("A newer message ends the turn that runs, if the agent wants that")
    func interrupts() async throws {
        struct Impatient: ChatAgent {
            let name = "impatient"
            let onBusy = BusyPolicy.interrupt
            func run(_ turn: Turn) async throws {
                try await turn.respond(with: StubModel { _ in "one two three" })
            }
        }
        let chat = MockChatAgent(Impatient())
        chat.enqueue("b", at: .midStream, occurrence: 2)
        let turn = try await chat.send("a")
        #expect(turn.outcome == .stopped && turn.text == "one two")
        try await chat.finish()
        #expect(chat.turns.map(\.outcome) == [.stopped, .completed])
        #expect(chat.checkpoint?.messages.map(\.text) == ["a", "one two", "b", "one two three"])
    }
}
