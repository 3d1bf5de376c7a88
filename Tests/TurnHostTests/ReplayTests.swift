import CarryonTesting
import ChatAgent
import Conversation
import SessionStore
import Synchronization
import TestSupport
import Testing
import TurnHost

@Suite("Recorded turns that are run again")
struct ReplayTests {
    private struct Replayed: Sendable {
        var recorded: RecordedTurn.Answer
        var outcome: RecordedTurn.Answer
    }

    /// Two tools that change something, one of them in vain, and one that looks. What a change gives back, and why it
    /// fails, is otherwise each time.
    private func agent(_ executions: Executions, changing input: JSON = ["id": "same"]) throws -> ToolAgent {
        var look = try Tool.echo(executions, name: "look")
        look.isReadOnly = true
        let change = try Tool.echo(executions, name: "change") { _ in .string("change \(executions.calls.count)") }
        let fail = try Tool.echo(executions, name: "fail") { _ in
            throw ToolError("failure \(executions.calls.count)")
        }
        var agent = ToolAgent(tools: [look, change, fail])
        var model = CallingModel()
        model.input = { $0.hasPrefix("c") ? input : ["id": .string($0)] }
        agent.model = model
        return agent
    }

    private func replay(_ conductor: Conductor, with agent: ToolAgent) async throws -> [Replayed] {
        let (base, store) = (MemorySessionStore(), MemorySessionStore())
        let fence = try await store.takeFence(group: "replay", cluster: "replay", topic: "requests", partition: 0)
        let replayer = TurnReplayer(
            agent: agent, log: MemoryEventLog(topic: "replayed"),
            options: HostOptions(
                hostID: "replay", eventsTopic: "replayed", deadLettersTopic: "dead-letters", groupID: "g"),
            partition: 0, store: store, fence: fence,
            place: LogIdentity(cluster: "replay", topic: "requests", partition: 0, epoch: 0), now: { 1 },
            logger: Conductor.quiet)
        let replayed = Seen<Replayed>()
        _ = try await conductor.rebuild(
            into: base,
            onTurn: { recorded in
                try await replayer.replay(recorded) {
                    replayed.add(Replayed(recorded: recorded.answer, outcome: $0.answer))
                }
            })
        return replayed.all
    }

    @Test(
        "A tool that is not declared read-only is not called: its recorded results and errors come back, in their order"
    )
    func recordedTools() async throws {
        let conductor = try Conductor()
        let live = Executions()
        try await conductor.start(try agent(live))
        conductor.say("change:c1;change:c2;fail:f;look:l", id: "u1")
        try await conductor.finish()
        #expect(live.calls == ["c1", "c2", "f", "l"])
        let again = Executions()
        let replayed = try await replay(conductor, with: try agent(again))
        #expect(again.calls == ["l"], "only what is declared read-only")
        try #require(replayed.count == 1)
        #expect(replayed[0].outcome == replayed[0].recorded)
        #expect(
            replayed[0].outcome.calls == [
                #"change({"id":"same"}) = "change 1""#, #"change({"id":"same"}) = "change 2""#,
                #"fail({"id":"f"}) = error: failure 3"#, #"look({"id":"l"}) = {"done":"l"}"#,
            ])
        #expect(live.calls.count == 4, "nothing of the recorded agent was called either")
    }

    @Test("A call that was not recorded is an error to the model, and calls nothing")
    func unrecorded() async throws {
        let conductor = try Conductor()
        try await conductor.start(try agent(Executions()))
        conductor.say("change:c1", id: "u1")
        try await conductor.finish()
        let again = Executions()
        let replayed = try await replay(conductor, with: try agent(again, changing: ["id": "other"]))
        #expect(again.calls == [])
        try #require(replayed.count == 1)
        #expect(replayed[0].outcome.calls.count == 1)
        #expect(
            replayed[0].outcome.calls.first?.contains(
                "change was not called with this input when the turn was recorded")
                == true)
        #expect(replayed[0].outcome.outcome == .completed)
    }
}
