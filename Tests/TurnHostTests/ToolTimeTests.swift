import ChatAgent
import Conversation
import LanguageModels
import Synchronization
import Testing
import TurnHost

@Suite("Tools and providers that take their time")
struct ToolTimeTests {
    @Test("A tool that never ends and heeds no cancellation is left behind when its time is up, and the turn goes on")
    func timeout() async throws {
        let clock = HandClock()
        let conductor = try Conductor(sleeping: clock)
        let never = Latch()
        let isCancelled = Mutex(false)
        let tool = try Tool.echo(Executions(), timeout: .seconds(30)) { call in
            await never.wait()
            isCancelled.withLock { $0 = Task.isCancelled }
            return .string(call.id)
        }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:a", id: "u1")
        try await waitFor { never.waiting == 1 && clock.sleeping == 1 }
        clock.advance(by: .seconds(29))
        #expect(clock.sleeping == 1)
        clock.advance(by: .seconds(1))
        try await conductor.finish()
        let answer = try #require(try await conductor.history().last)
        #expect(answer.call("a")?.state == .outputError)
        #expect(answer.call("a")?.errorText?.contains("30.0 seconds") == true)
        #expect(answer.text.contains("heard a!"))
        never.open()
        try await waitFor { isCancelled.withLock { $0 } }
        #expect(try await conductor.history().last == answer)
    }

    @Test("A call that is answered in time leaves nobody waiting for its time to be up")
    func noTimerLeft() async throws {
        let clock = HandClock()
        let conductor = try Conductor(sleeping: clock)
        try await conductor.start(ToolAgent(tools: [try .echo(Executions())]))
        conductor.say("echo:a echo:b", id: "u1")
        try await conductor.finish()
        try await waitFor { clock.sleeping == 0 }
        #expect(try await conductor.history().last?.calls.allSatisfy { $0.state == .outputAvailable } == true)
    }

    /// Says half of its text, or half of a call, and fails; then all of what is left.
    struct FailingModel: LanguageModel {
        let name = "failing"
        let failures: Int
        var calls: [String] = []
        /// Whether a call is cut off before it fails.
        var cutsOff = false
        let count = Counter()

        func generate(
            _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
        ) async throws -> ModelResponse {
            let attempt = count.next()
            let known = request.continuation?.calls ?? []
            if known.contains(where: { $0.state == .outputAvailable }) {
                return try await CallingModel().generate(request, emit: emit)
            }
            try await emit(.textStart(id: "t"))
            try await emit(.textDelta(id: "t", delta: "part\(attempt) "))
            guard attempt < failures else {
                try await emit(.textEnd(id: "t"))
                return ModelResponse(finishReason: .stop)
            }
            for call in calls {
                try await emit(.toolInputAvailable(toolCallID: call, toolName: "echo", input: ["id": .string(call)]))
            }
            if cutsOff {
                try await emit(.toolInputStart(toolCallID: "cut", toolName: "echo"))
                try await emit(.toolInputDelta(toolCallID: "cut", inputTextDelta: #"{"id":"c"#))
            }
            throw ModelError(.overloaded, "too much to do")
        }
    }

    final class Counter: Sendable {
        private let state = Mutex(0)

        func next() -> Int {
            state.withLock { count in
                count += 1
                return count
            }
        }
    }

    @Test("A provider that fails in the middle is asked again after the policy's wait, and goes on in the same part")
    func retriedProvider() async throws {
        let clock = HandClock()
        let conductor = try Conductor(sleeping: clock)
        let agent = ToolAgent(
            tools: [], model: FailingModel(failures: 3),
            retry: RetryPolicy(attempts: 3, firstDelay: .seconds(1), factor: 2, jitter: 0))
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await waitFor { clock.sleeping == 1 }
        clock.advance(by: .milliseconds(999))
        #expect(agent.journal.prompts.count == 1)
        clock.advance(by: .milliseconds(1))
        try await waitFor { clock.sleeping == 1 && agent.journal.prompts.count == 2 }
        clock.advance(by: .seconds(1))
        #expect(clock.sleeping == 1, "the second wait is twice as long")
        clock.advance(by: .seconds(1))
        try await conductor.finish()
        #expect(agent.journal.prompts.map { $0.continuation?.text } == [nil, "part1 ", "part1 part2 "])
        let answer = try #require(try await conductor.history().last)
        #expect(answer.parts.count == 2)
        #expect(answer.text == "part1 part2 part3 ")
        let words = conductor.view().words(turn: 0)
        #expect(words.count { $0 == "text-start" } == 1)
        #expect(words.count { $0 == "text-end" } == 1)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test("A provider that fails more often than the policy allows fails the turn, and what it said is kept")
    func exhaustedProvider() async throws {
        let conductor = try Conductor()
        let agent = ToolAgent(
            tools: [], model: FailingModel(failures: 9), retry: RetryPolicy(attempts: 3, firstDelay: .zero))
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        #expect(agent.journal.prompts.count == 3)
        #expect(conductor.view().completes.map(\.outcome) == [.failed])
        #expect(try await conductor.history().last?.text == "part1 part2 part3 ")
    }

    @Test("A provider that failed after it had called a tool is not asked again: the call is its answer")
    func failedAfterCall() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let agent = ToolAgent(
            tools: [try .echo(executions)], model: FailingModel(failures: 2, calls: ["a"], cutsOff: true),
            retry: RetryPolicy(attempts: 3, firstDelay: .zero))
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        #expect(agent.journal.prompts.count == 2)
        let answer = try #require(try await conductor.history().last)
        #expect(answer.call("a")?.state == .outputAvailable)
        #expect(answer.call("cut")?.state == .outputError)
        #expect(answer.text.contains(#"a={"done":"a"}"#))
        #expect(try conductor.view().answer(turn: 0) == answer)
    }

    @Test("A call that a failing provider cut off has failed, and the provider is asked again")
    func cutOffCall() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let agent = ToolAgent(
            tools: [try .echo(executions)], model: FailingModel(failures: 2, cutsOff: true),
            retry: RetryPolicy(attempts: 3, firstDelay: .zero))
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        #expect(executions.calls.isEmpty)
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        let answer = try #require(try await conductor.history().last)
        #expect(answer.call("cut")?.errorText == "the call was cut off")
        #expect(answer.text == "part1 part2 ")
        #expect(try conductor.view().answer(turn: 0) == answer)
    }

    @Test("A stop during the wait for a provider ends the turn at once")
    func stopDuringWait() async throws {
        let clock = HandClock()
        let conductor = try Conductor(sleeping: clock)
        try await conductor.start(ToolAgent(tools: [], model: FailingModel(failures: 3)))
        conductor.say("hello", id: "u1")
        try await waitFor { clock.sleeping == 1 }
        conductor.send(.stop(reason: nil))
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.stopped])
        #expect(try await conductor.history().last?.text == "part1 ")
    }
}
