import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Sessions in memory")
struct SessionCacheTests {
    @Test("Idle sessions are let go beyond the bound, and are loaded again with their history")
    func eviction() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.sessionCacheBytes = 4 * 1024
        }
        let agent = RecordingAgent()
        let host = try await conductor.start(agent)
        let sessions = (0..<30).map { "s\($0)" }
        for session in sessions { conductor.say("hello", to: session, id: "u1") }
        try await conductor.finish()
        try await waitFor { host.sessionCount <= 4 }
        for session in sessions { conductor.say("again", to: session, id: "u2") }
        try await conductor.finish()
        for session in sessions {
            #expect(
                try await conductor.history(session).map(\.id) == [
                    "u1", "\(session)-answer-0", "u2", "\(session)-answer-1",
                ])
            #expect(conductor.view(session).isGapless)
        }
        let continued = agent.journal.starts.filter { $0.identity.turn == 1 && $0.identity.isContinuation }
        #expect(continued.count >= sessions.count - 4)
    }

    @Test("A session that is kept is not read again: its locals stay, and it boots once")
    func kept() async throws {
        let key = LocalsKey<Int>("count")
        let conductor = try Conductor()
        let agent = RecordingAgent(
            onBooting: { $0.identity.locals[key] = 0 },
            onStart: { $0.identity.locals[key] = try $0.identity.locals.require(key) + 1 },
            answer: { try await $0.say("\(try $0.identity.locals.require(key))") })
        let host = try await conductor.start(agent)
        for round in 1...30 {
            conductor.say("m\(round)")
            try await conductor.finish()
        }
        #expect(try conductor.view().answer(turn: 29).text == "30")
        #expect(agent.journal.words.count { $0.hasPrefix("boot") } == 1)
        #expect(host.sessionCount == 1)
    }

    @Test("A request that comes from another host's death has its session read again: it was elsewhere meanwhile")
    func elsewhere() async throws {
        let conductor = try Conductor()
        let agent = RecordingAgent()
        try await conductor.start(agent)
        conductor.say("here")
        try await conductor.finish()
        let again = Request(kind: .message(.user(id: "u2", text: "back")))
        conductor.send([again], death: HostDeath(kind: .crashed, cause: "SIGSEGV", hostID: "host-9"))
        try await conductor.finish()
        conductor.say("and here")
        try await conductor.finish()
        #expect(agent.journal.words.count { $0.hasPrefix("boot") } == 2)
        #expect(agent.journal.prompts.map(\.messages.count) == [1, 3, 5])
    }

    @Test("No more turns run at once than permits allow, and all of them run")
    func permits() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.concurrency = 3
        }
        let latch = Latch()
        let agent = RecordingAgent(answer: { turn in
            await latch.wait()
            try await turn.say("done")
        })
        try await conductor.start(agent)
        for index in 0..<12 { conductor.say("hello", to: "s\(index)") }
        try await waitFor { latch.waiting == 3 }
        #expect(agent.journal.prompts.count == 3)
        latch.open()
        try await conductor.finish()
        #expect(agent.journal.prompts.count == 12)
    }
}
