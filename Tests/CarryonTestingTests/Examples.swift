import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

struct Concierge: ChatAgent {
    let name = "concierge"
    let model: any LanguageModel

    func run(_ turn: Turn) async throws {
        try await turn.respond(with: model, system: "You are the concierge of a small hotel.")
    }
}

@Test("The concierge goes on in the middle of a sentence after a crash")
func goesOnAfterACrash() async throws {
    let chat = MockChatAgent(Concierge(model: StubModel { _ in "Breakfast is served from seven to ten." }))
    chat.kill(at: .midStream, occurrence: 3, cause: .crashed("SIGSEGV"))
    let interrupted = try await chat.send("When is breakfast?")
    #expect(interrupted.text == "Breakfast is served")
    let turns = try await chat.boot()
    #expect(turns.map(\.text) == ["Breakfast is served from seven to ten."])
    #expect(chat.checkpoint?.messages.map(\.text) == ["When is breakfast?", "Breakfast is served from seven to ten."])
}

@Test("The concierge falls silent when asked to, and remembers what it had said")
func fallsSilent() async throws {
    let chat = MockChatAgent(Concierge(model: StubModel { _ in "Our house was built in 1901 by" }))
    chat.pause(at: .midStream, occurrence: 3)
    try await chat.send("Tell me about the house.")
    let turn = try await chat.stop()
    #expect(turn?.isStopped == true)
    try await chat.send("Thank you.")
    #expect(chat.prompts.last?.messages.map(\.text) == ["Tell me about the house.", "Our house was", "Thank you."])
}

struct Reception: ChatAgent {
    let name = "reception"
    let desk = Desk()

    func tools(for turn: TurnIdentity) async throws -> ToolSet {
        let lookUp = Tool.Doubt.reconcile { call in await desk.has(call.id) ? .done("booked") : .notDone }
        let schema = try JSONSchema(["type": "object", "required": ["room"]])
        let book = Tool("book", description: "Books a room.", input: schema, approval: .always, doubt: lookUp) { call in
            await desk.book(call.id)
        }
        return [book]
    }

    func run(_ turn: Turn) async throws {
        try await turn.respond(
            with: StubModel { prompt in
                prompt.call("call-1") == nil ? .toolCalls("book", [["room": 12]]) : "The room is yours."
            })
    }
}

actor Desk {
    private(set) var booked: [String] = []

    func has(_ call: String) -> Bool { booked.contains(call) }

    func book(_ call: String) -> JSON {
        booked.append(call)
        return "booked"
    }
}

@Test("A room that the guest agreed to is booked once, although the worker died before it could say so")
func booksOnce() async throws {
    let reception = Reception()
    let chat = MockChatAgent(reception)
    try await chat.send("Room 12, please.")
    #expect(chat.waitingCalls.map(\.state) == [.approvalRequested])
    chat.kill(at: .afterTool)
    try await chat.approve(callID: "call-1")
    try await chat.boot()
    #expect(chat.checkpoint?.messages.map(\.text) == ["Room 12, please.", "The room is yours."])
    #expect(await reception.desk.booked == ["call-1"])
}

@Test("The concierge knows a guest who comes back")
func knowsAGuest() async throws {
    let chat = MockChatAgent(Concierge(model: StubModel { _ in "Room 12, as always." }))
    try chat.seedCheckpoint([
        .user(id: "u0", text: "I like room 12."), Message(id: "a0", role: .assistant, parts: [.text("Noted.")]),
    ])
    try await chat.send("Which room do I get?", data: ["guest": 7])
    #expect(chat.prompts.first?.messages.map(\.text) == ["I like room 12.", "Noted.", "Which room do I get?"])
    #expect(chat.hooks.first == .onLoad && !chat.hooks.contains(.onChatStart))
}

@Test("The concierge waits an hour before it calls a taxi, which takes the test no time")
func waitsAnHour() async throws {
    let clock = ImmediateClock()
    let chat = MockChatAgent(Concierge(model: ScriptedModel(clock: clock)), clock: clock)
    let before = chat.now
    let turn = try await chat.send("#script\nsay In an hour.\nsleep 1h\nsay Your taxi is here.")
    #expect(turn.outcome == .completed)
    #expect(chat.now.milliseconds - before.milliseconds == 3_600_000)
}
