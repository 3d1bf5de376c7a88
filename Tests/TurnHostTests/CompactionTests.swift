import ChatAgent
import Conversation
import LanguageModels
import SessionStore
import Testing
import TurnHost

@Suite("Compaction")
struct CompactionTests {
    private static func policy(
        _ limit: CompactionPolicy.Limit, keep: Int = 1, seen: Seen<[String]> = Seen()
    ) -> CompactionPolicy {
        CompactionPolicy(limit: limit, keep: keep) { messages, _ in
            seen.add(messages.map(\.id))
            return "summary of \(messages.count)"
        }
    }

    private static func say(_ count: Int, _ agent: HookAgent, _ conductor: Conductor) async throws {
        for index in 1...count {
            conductor.say("m\(index)", id: "u\(index)")
            try await conductor.finish(agent, turns: index)
        }
    }

    @Test(
        "By messages: a long history is summarised after the answer, in the prompts only, and the transcript stays whole"
    )
    func byMessages() async throws {
        let conductor = try Conductor()
        let seen = Seen<[String]>()
        let events = Seen<CompactionEvent>()
        let agent = HookAgent(
            compaction: Self.policy(.messages(3), seen: seen), compacted: { events.add($0) })
        try await conductor.start(agent)
        try await Self.say(3, agent, conductor)
        #expect(seen.all == [["u1", "s-answer-0", "u2"], ["summary-u2", "s-answer-1", "u3"]])
        #expect(agent.journal.promptIDs.last == ["summary-u2", "s-answer-1", "u3"])
        #expect(agent.journal.prompts.last?.messages.first?.role == .system)
        #expect(agent.journal.prompts.last?.messages.first?.text == "summary of 3")
        #expect(try await conductor.history().count == 6, "the transcript is whole")
        let event = try #require(events.all.first)
        #expect(event.summary == "summary of 3")
        #expect(event.compactedCount == 3)
        #expect(event.keptCount == 1)
        #expect(event.step == nil)
        #expect(event.identity.turn == 1)
        let second = HookAgent(compaction: Self.policy(.messages(3)))
        try await conductor.moveTo(second)
        conductor.say("m4", id: "u4")
        try await conductor.finish(second, turns: 1)
        #expect(second.journal.promptIDs == [["summary-u3", "s-answer-2", "u4"]], "the summary is durable")
    }

    @Test("Readers are told of a compaction by transient parts of one id, which the answer does not keep")
    func parts() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(compaction: Self.policy(.messages(1)))
        try await conductor.start(agent)
        try await Self.say(1, agent, conductor)
        let parts = conductor.view().chunks(turn: 0).compactMap { chunk -> DataChunk? in
            if case .data(let data) = chunk, data.name == "compaction" { data } else { nil }
        }
        #expect(parts.map { $0.data["status"]?.stringValue } == ["compacting", "complete"])
        #expect(Set(parts.map(\.id)).count == 1)
        #expect(parts.allSatisfy { $0.transient == true })
        let answer = try #require(try await conductor.history().last)
        #expect(answer.dataNames.isEmpty)
        #expect(answer.parts.count == 2, "a step and its text, and nothing more")
        #expect(try conductor.view().answer(turn: 0) == answer)
    }

    @Test(
        "By tokens, as the provider counts them, at the boundary between two steps; the step goes on behind the summary"
    )
    func byTokens() async throws {
        let conductor = try Conductor()
        let events = Seen<CompactionEvent>()
        let reasons = Seen<PromptEvent.Reason>()
        var agent = HookAgent(
            compaction: Self.policy(.tokens(4)),
            preparing: { event in
                reasons.add(event.reason)
                return event.messages
            }, compacted: { events.add($0) })
        agent.toolSet = [
            Tool("look", description: "looks", input: try JSONSchema(.object(JSONObject()))) { _ in .null }
        ]
        try await conductor.start(agent)
        conductor.say("a", id: "u1")
        try await conductor.finish(agent, turns: 1)
        #expect(events.all.isEmpty)
        conductor.say("#script\ntool look {}\nsay done", id: "u2")
        try await conductor.finish(agent, turns: 2)
        #expect(events.all.first?.step == 1)
        #expect(agent.journal.promptIDs.suffix(2) == [["u1", "s-answer-0", "u2"], ["summary-s-answer-0", "u2"]])
        #expect(reasons.all.suffix(2) == [.run, .compaction])
        #expect(try conductor.view().answer(turn: 1).text == "done")
        #expect(try await conductor.history().map(\.id) == ["u1", "s-answer-0", "u2", "s-answer-1"])
    }

    @Test("A call that waits for its result is not summarised, nor is what comes after it")
    func openCall() async throws {
        let conductor = try Conductor()
        let seen = Seen<[String]>()
        let agent = HookAgent(compaction: Self.policy(.messages(2), seen: seen))
        try await conductor.start(agent)
        conductor.say("#script\ntool outside {}\nsay done", id: "u1")
        try await conductor.finish(agent, turns: 1)
        conductor.say("two", id: "u2")
        conductor.say("three", id: "u3")
        try await conductor.finish(agent, turns: 3)
        #expect(seen.all.allSatisfy { !$0.contains("s-answer-0") })
        #expect(seen.all.first == ["u1"])
    }

    @Test("A summariser that throws leaves the history as it is, and the turn completes")
    func throwing() async throws {
        let conductor = try Conductor()
        var policy = Self.policy(.messages(1))
        policy.summarize = { _, _ in throw TurnError(code: "no", message: "no") }
        let agent = HookAgent(compaction: policy)
        try await conductor.start(agent)
        try await Self.say(2, agent, conductor)
        #expect(agent.journal.promptIDs == [["u1"], ["u1", "s-answer-0", "u2"]])
        #expect(agent.journal.count(.compacted) == 0)
        #expect(conductor.view().completes.map(\.outcome) == [.completed, .completed])
    }

    @Test("onCompacted may throw, and the summary stands")
    func throwingHook() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(
            compaction: Self.policy(.messages(1)), compacted: { _ in throw TurnError(code: "no", message: "no") })
        try await conductor.start(agent)
        try await Self.say(2, agent, conductor)
        #expect(agent.journal.promptIDs.last == ["summary-u1", "s-answer-0", "u2"])
    }

    @Test("A stopped turn is not the moment to compact, and an undo beyond the summary brings the messages back")
    func undone() async throws {
        let conductor = try Conductor()
        let agent = HookAgent(
            compaction: Self.policy(.messages(3)), acting: { $0.history.slice(0, 1) })
        try await conductor.start(agent)
        try await Self.say(2, agent, conductor)
        conductor.send(.action(.null))
        conductor.say("three", id: "u3")
        try await conductor.finish(agent, turns: 3)
        #expect(agent.journal.promptIDs.last == ["u1", "u3"])
    }
}
