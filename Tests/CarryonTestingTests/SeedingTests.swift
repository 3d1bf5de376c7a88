import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Laying out a session", .timeLimit(.minutes(1)))
struct SeedingTests {
    static let history = [
        Message.user(id: "u0", text: "first"),
        Message(id: "a0", role: .assistant, parts: [.text("an answer")]),
    ]

    static let partial: [Chunk] = [
        .start(messageID: "a1"), .startStep(), .textStart(id: "t"), .textDelta(id: "t", delta: "one"),
    ]

    @Test("A session with a history goes on with it")
    func checkpoint() async throws {
        let chat = MockChatAgent(Assistant(model: StubModel { _ in "fine" }))
        try chat.seedCheckpoint(Self.history, nextSeq: 7)
        #expect(chat.checkpoint?.messages == Self.history)
        #expect(chat.checkpoint?.turns == 1 && chat.checkpoint?.offset == 0)
        #expect(chat.committedOffset == 1)
        let turn = try await chat.send("second")
        #expect(turn.turn == 1 && turn.offset == 1 && turn.events.first?.seq == 7)
        #expect(chat.prompts.first?.messages.map(\.text) == ["first", "an answer", "second"])
    }

    @Test("A dead turn is recovered by the first worker, with its true cause")
    func outputTail() async throws {
        let seen = Notes<RecoveryBootEvent>()
        let agent = HookedAgent(onRecovery: { event in
            seen.add(event)
            return nil
        })
        let chat = MockChatAgent(agent)
        try chat.seedCheckpoint(Self.history)
        try chat.seedOutputTail(
            Self.partial, answering: .user(id: "u1", text: "second"), data: 5, cause: .crashed("SIGABRT"))
        #expect(chat.checkpoint?.openRuns == 1)
        let turn = try #require(try await chat.boot().first)
        #expect(turn.text == "one two three four" && turn.message?.id == "a1" && turn.run == 2)
        let event = try #require(seen.all.first)
        #expect(event.cause == .crashed("SIGABRT") && event.identity.data == 5)
        #expect(event.settledMessages == Self.history && event.partialAssistant.text == "one")
        #expect(event.inFlightUsers.map(\.id) == ["u1"])
        #expect(chat.prompts.first?.continuation?.text == "one")
    }

    @Test("Requests that wait are carried out by the first worker; their newest decides over a dead turn")
    func inputTail() async throws {
        let chat = MockChatAgent(HookedAgent())
        try chat.seedOutputTail(Self.partial, answering: .user(id: "u1", text: "first"))
        let offsets = try chat.seedInputTail([
            Request(kind: .message(.user(id: "u2", text: "second"))), Request(kind: .regenerate),
        ])
        #expect(offsets == [1, 2])
        let turns = try await chat.boot()
        #expect(turns.map(\.outcome) == [.stopped, .completed, .completed])
        #expect(chat.checkpoint?.messages.map(\.text) == ["first", "one", "second", "one two three four"])
    }

    @Test("A death that nobody saw has an unknown cause")
    func unseen() async throws {
        let chat = MockChatAgent(HookedAgent())
        try chat.seedOutputTail(Self.partial, answering: .user(id: "u1", text: "first"), cause: .unseen)
        let turn = try #require(try await chat.boot().first)
        #expect(turn.controls.contains(.recovered(cause: "unknown", previousRun: 1, policy: "continue", partial: true)))
    }

    @Test("What can't be is refused")
    func refused() async throws {
        let chat = MockChatAgent(HookedAgent())
        try chat.seedInputTail([Request(kind: .regenerate)])
        #expect(throws: MockChatError.self) { try chat.seedCheckpoint(Self.history) }
        #expect(throws: MockChatError.self) {
            try chat.seedOutputTail(Self.partial, answering: .user(id: "u1", text: "first"))
        }
        try await chat.boot()
        #expect(throws: MockChatError.alreadyBooted) { try chat.seedInputTail([]) }
    }
}
