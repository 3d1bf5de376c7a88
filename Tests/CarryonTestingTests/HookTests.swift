import CarryonTesting
import ChatAgent
import Conversation
import LanguageModels
import Testing

@Suite("Hooks in a test", .timeLimit(.minutes(1)))
struct HookTests {
    @Test("A session that was warmed has booted when its first message comes")
    func preload() async throws {
        let chat = MockChatAgent(HookedAgent())
        let turn = try await chat.preload(data: 7)
        #expect(turn.isSettled && turn.turn == nil && turn.request.data == 7)
        #expect(chat.hooks == [.onBoot, .onPreload] && chat.checkpoint?.turns == 0)
        try await chat.send("hello")
        #expect(chat.hooks == [.onBoot, .onPreload] + Hook.ofFirstTurn.dropFirst())
        #expect(chat.hookCalls.map(\.run).allSatisfy { $0 == 1 })
    }

    @Test("An action calls its own hook only, and what a model is asked there is its own")
    func act() async throws {
        struct Acting: ChatAgent {
            let name = "acting"
            func run(_ turn: Turn) async throws { try await turn.say("fine") }
            func onAction(_ event: ActionEvent) async throws {
                let model = StubModel { _ in "seen" }
                _ = try await model.generate(ModelRequest(messages: event.history.messages)) {
                    try await event.write($0)
                }
            }
        }
        let chat = MockChatAgent(Acting())
        try await chat.send("hello")
        let action = try await chat.act(["rate": 5])
        #expect(chat.hooks.last == .onAction && chat.hooks.count { $0 == .run } == 1)
        #expect(action.prompts.count == 1 && action.text == "seen" && action.turn == nil)
        #expect(action.controls == [.actionComplete(outcome: "completed")])
        #expect(chat.checkpoint?.messages.count == 2)
        let turn = try await chat.send("more")
        #expect(turn.turn == 1 && turn.prompts.isEmpty)
    }

    @Test("A summary is part of the checkpoint, and stands in the prompts of the next worker")
    func compaction() async throws {
        struct Brief: ChatAgent {
            let name = "brief"
            var compaction: CompactionPolicy? {
                CompactionPolicy(limit: .messages(3), keep: 1) { messages, _ in "\(messages.count) messages" }
            }
            func run(_ turn: Turn) async throws { try await turn.respond(with: StubModel { _ in "fine" }) }
        }
        let chat = MockChatAgent(Brief())
        try await chat.send("a")
        #expect(chat.checkpoint?.summary == nil)
        try await chat.send("b")
        #expect(chat.checkpoint?.summary == "3 messages" && chat.checkpoint?.messages.count == 4)
        try chat.kill()
        try await chat.boot()
        try await chat.send("c")
        #expect(chat.prompts.last?.messages.map(\.text) == ["3 messages", "fine", "c"])
        #expect(chat.hooks.contains(.onCompacted))
    }

    @Test("Durable locals are part of the checkpoint, also those that onTurnComplete sets")
    func locals() async throws {
        struct Counting: ChatAgent {
            static let key = DurableLocalsKey<Int>("turns")
            let name = "counting"
            func run(_ turn: Turn) async throws { try await turn.say("fine") }
            func onTurnComplete(_ event: TurnCompleteEvent) async throws {
                let locals = event.identity.locals
                try locals.set((try locals.value(Self.key) ?? 0) + 1, for: Self.key)
            }
        }
        let chat = MockChatAgent(Counting())
        for count in 1...3 {
            try await chat.send("hello")
            #expect(chat.checkpoint?.locals["turns"] == .number(JSONNumber(count)))
            #expect(chat.checkpoint?.revision == Int64(2 * count))
            try chat.kill()
            try await chat.boot()
        }
    }

    @Test("What onTurnComplete changes is stored without a step of its own")
    func amendment() async throws {
        struct Amending: ChatAgent {
            let name = "amending"
            func run(_ turn: Turn) async throws { try await turn.say("fine") }
            func onTurnComplete(_ event: TurnCompleteEvent) async throws { event.history.slice(0, -1) }
        }
        let chat = MockChatAgent(Amending())
        chat.kill(at: .beforeSettle, occurrence: 2)
        #expect(try await chat.send("a").isSettled)
        #expect(chat.checkpoint?.messages.map(\.text) == ["a"] && chat.checkpoint?.revision == 2)
        #expect(try await chat.send("b").state == .interrupted(.crashed("SIGKILL"), at: .beforeSettle))
        try await chat.boot()
        #expect(chat.checkpoint?.messages.map(\.text) == ["a", "b"])
    }

    @Test("No hook of a run is called before it is on record, whatever ran before it")
    func order() async throws {
        // Hooks and record are begun side by side; one that did not wait would be first in some of these.
        for _ in 0..<100 {
            let chat = MockChatAgent(HookedAgent())
            try await chat.preload()
            let before = chat.hooks
            chat.kill(at: .beforeBeginRun)
            try await chat.send("hello")
            #expect(chat.hooks == before)
        }
    }

    @Test("An agent that keeps the histories itself is asked for them, and nothing is stored")
    func ownHistory() async throws {
        struct Keeping: ChatAgent {
            let name = "keeping"
            let ownsHistory = true
            func hydrateMessages(_ event: HydrationEvent) async throws -> [Message] {
                [.user(id: "old", text: "kept elsewhere")] + [event.incoming].compactMap(\.self)
            }
            func run(_ turn: Turn) async throws { try await turn.respond(with: StubModel { _ in "fine" }) }
        }
        let chat = MockChatAgent(Keeping())
        try await chat.send("hello")
        #expect(chat.prompts.first?.messages.map(\.text) == ["kept elsewhere", "hello"])
        #expect(chat.checkpoint?.messages == [] && chat.hooks.contains(.hydrateMessages))
    }

    @Test("A session that is put away boots anew with its next message")
    func eviction() async throws {
        struct Forgetful: ChatAgent {
            let name = "forgetful"
            let maximumTurns: Int? = 2
            func run(_ turn: Turn) async throws { try await turn.say("fine") }
        }
        let chat = MockChatAgent(Forgetful())
        for text in ["a", "b"] { try await chat.send(text) }
        #expect(chat.hooks.last == .onEvict && chat.hookCalls.last?.turn == nil)
        #expect(chat.hookCalls.last?.description == "onEvict, worker 1")
        try await chat.send("c")
        #expect(chat.hooks.count { $0 == .onBoot } == 2 && chat.hooks.count { $0 == .onLoad } == 1)
    }

    @Test("A model that fails is asked again after a while, which takes the test no time")
    func retry() async throws {
        let count = Counter()
        let chat = MockChatAgent(
            Assistant(
                model: StubModel { _ in
                    guard count.next() > 2 else { throw ModelError(.overloaded, "busy") }
                    return "fine"
                }))
        let before = chat.now
        #expect(try await chat.send("hello").text == "fine")
        #expect(chat.prompts.count == 3 && chat.now.milliseconds > before.milliseconds)
    }

    @Test("A turn's settlement waits for deferred work, whose bound no immediate clock cuts short")
    func deferred() async throws {
        let done = Notes<Int64?>()
        let chat = MockChatAgent(
            HookedAgent(onStart: { event in
                event.identity.lifecycle.deferWork {
                    for _ in 0..<100 { await Task.yield() }
                    done.add(1)
                }
            }))
        chat.pause(at: .beforeSettle)
        try await chat.send("hello")
        #expect(done.all == [1])
        try await chat.proceed()
    }

    @Test("A tool's time is up when the clock says so")
    func timeout() async throws {
        struct Slow: ChatAgent {
            let name = "slow"
            let clock: ManualClock
            func tools(for turn: TurnIdentity) async throws -> ToolSet {
                let clock = clock
                return [
                    Tool("wait", description: "Waits.", input: try JSONSchema([:]), timeout: .seconds(9)) { _ in
                        try await clock.sleep(for: .seconds(3600))
                        return .null
                    }
                ]
            }
            func run(_ turn: Turn) async throws {
                try await turn.respond(
                    with: StubModel { .text($0.call("call-1")?.errorText ?? "") }.asking(.toolCalls("wait", [[:]])))
            }
        }
        let clock = ManualClock()
        let chat = MockChatAgent(Slow(clock: clock), clock: clock)
        async let sent = chat.send("hello")
        while clock.sleeperCount < 2 { await Task.yield() }
        clock.advance(by: .seconds(9))
        #expect(try await sent.text == "the tool took longer than 9.0 seconds")
    }
}

extension StubModel {
    /// The model that gives `answer` to a prompt without a call, and this one's to others.
    fileprivate func asking(_ answer: StubAnswer) -> some LanguageModel { Asking(model: self, answer: answer) }
}

private struct Asking: LanguageModel {
    let model: StubModel
    let answer: StubAnswer
    var name: String { model.name }

    func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        if request.call("call-1") != nil { return try await model.generate(request, emit: emit) }
        return try await StubModel { [answer] _ in answer }.generate(request, emit: emit)
    }
}
