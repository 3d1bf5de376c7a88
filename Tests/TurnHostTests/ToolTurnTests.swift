import ChatAgent
import Conversation
import LanguageModels
import Testing
import TurnHost

@Suite("Turns that call tools")
struct ToolTurnTests {
    @Test("S16: Call, result and final answer are in one turn and one assistant's message; S12: it ends with stop")
    func serverSideTool() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let agent = ToolAgent(tools: [try .echo(executions)])
        try await conductor.start(agent)
        conductor.say("echo:a", id: "u1")
        try await conductor.finish()
        try await waitFor { agent.journal.completes.count == 1 }
        let history = try await conductor.history()
        #expect(history.map(\.id) == ["u1", "s-answer-0"])
        #expect(history.last?.text == #"calling in step 0heard a={"done":"a"}"#)
        #expect(history.last?.call("a")?.output == ["done": "a"])
        #expect(history.last?.call("a")?.input == ["id": "a"])
        #expect(executions.calls == ["a"])
        let view = conductor.view()
        #expect(view.isGapless)
        #expect(view.completes.map(\.finishReason) == [.stop])
        #expect(try view.answer(turn: 0) == history.last)
        #expect(agent.journal.completes.first?.finishReason == .stop)
        #expect(agent.journal.completes.first?.newMessages.map(\.id) == ["u1", "s-answer-0"])
        #expect(view.words(turn: 0).count { $0 == "start" } == 1)
        #expect(view.words(turn: 0).count { $0 == "start-step" } == 2)
        #expect(view.words(turn: 0).count { $0 == "finish-step" } == 2)
    }

    @Test("S12: A turn that ends on a tool without an executor ends with tool-calls, declared or not")
    func toolCallsReason() async throws {
        for tools in [[try .ask()], ToolSet([], undeclared: .isExternal)] {
            let conductor = try Conductor()
            let agent = ToolAgent(tools: tools)
            try await conductor.start(agent)
            conductor.say("ask:a", id: "u1")
            try await conductor.finish()
            try await waitFor { agent.journal.completes.count == 1 }
            #expect(agent.journal.completes.first?.finishReason == .toolCalls)
            #expect(agent.journal.completes.first?.outcome == .completed)
            #expect(conductor.view().completes.map(\.finishReason) == [.toolCalls])
            #expect(agent.journal.prompts.count == 1)
        }
    }

    @Test("A hundred parallel calls run within the bound, and every result is there")
    func parallelCalls() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let latch = Latch()
        let tool = try Tool.echo(executions) { call in
            await latch.wait()
            await Task.yield()
            return .string(call.id)
        }
        let agent = ToolAgent(tools: ToolSet([tool], maximumConcurrency: 7))
        try await conductor.start(agent)
        let ids = (0..<100).map { "c\($0)" }
        conductor.say(ids.map { "echo:\($0)" }.joined(separator: " "), id: "u1")
        try await waitFor { latch.waiting == 7 }
        latch.open()
        try await conductor.finish()
        #expect(executions.peak == 7)
        #expect(executions.calls.count == 100)
        let answer = try #require(try await conductor.history().last)
        #expect(answer.calls.map(\.toolCallID) == ids)
        #expect(answer.calls.allSatisfy { $0.output == .string($0.toolCallID) })
        #expect(agent.journal.prompts.count == 2)
        #expect(agent.journal.prompts.last?.continuation?.calls.count == 100)
    }

    @Test("A tool that ends after others does not hold their results back")
    func resultsAsTheyCome() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let tool = try Tool.echo(Executions()) { call in
            if call.id == "slow" { await latch.wait() }
            return .string(call.id)
        }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:slow echo:quick", id: "u1")
        try await waitFor { try conductor.view().answer(turn: 0).call("quick")?.state == .outputAvailable }
        #expect(try conductor.view().answer(turn: 0).call("slow")?.state == .inputAvailable)
        latch.open()
        try await conductor.finish()
        #expect(try await conductor.history().last?.calls.map(\.outcome) == [#"slow="slow""#, #"quick="quick""#])
    }

    @Test("A tool that throws has an error as its result, and the model is told")
    func throwingTool() async throws {
        let conductor = try Conductor()
        let tool = try Tool.echo(Executions()) { _ in throw ToolError("no such city") }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:a", id: "u1")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try await conductor.history().last?.call("a")?.errorText == "no such city")
        #expect(try await conductor.history().last?.text.hasSuffix("heard a!no such city") == true)
    }

    @Test("A tool's own cancellation, which nobody asked for, is an error of the call and not the end of the turn")
    func toolCancelsItself() async throws {
        let conductor = try Conductor()
        let tool = try Tool.echo(Executions()) { _ in throw CancellationError() }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:a", id: "u1")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try await conductor.history().last?.call("a")?.state == .outputError)
    }

    @Test("Nothing runs on an input that violates the schema; the model is told what is wrong")
    func malformedInput() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let agent = ToolAgent(
            tools: [try .echo(executions)], model: CallingModel(input: { $0 == "bad" ? ["id": 7] : ["id": "fine"] }))
        try await conductor.start(agent)
        conductor.say("echo:bad echo:good", id: "u1")
        try await conductor.finish()
        #expect(executions.calls == ["good"])
        let answer = try #require(try await conductor.history().last)
        #expect(answer.call("bad")?.state == .outputError)
        #expect(answer.call("bad")?.errorText?.contains("schema") == true)
        #expect(answer.call("good")?.state == .outputAvailable)
        #expect(answer.text.contains("heard bad!"))
    }

    @Test("The call of an unknown tool has an error as its result that names the tools there are")
    func unknownTool() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        try await conductor.start(ToolAgent(tools: [try .echo(executions), try .ask()]))
        conductor.say("missing:a echo:b", id: "u1")
        try await conductor.finish()
        let call = try #require(try await conductor.history().last?.call("a"))
        #expect(call.state == .outputError)
        #expect(call.errorText?.contains("echo, ask") == true)
        #expect(executions.calls == ["b"])
        #expect(conductor.view().completes.map(\.finishReason) == [.stop])
    }

    @Test("An output that is larger than a record is an error of its call; the turn goes on")
    func largeOutput() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.maximumEventBytes = 4_000
        }
        let tool = try Tool.echo(Executions()) { call in
            call.id == "large" ? .string(String(repeating: "x", count: 5_000)) : .string("small")
        }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:large echo:small", id: "u1")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        let answer = try #require(try await conductor.history().last)
        #expect(answer.call("large")?.state == .outputError)
        #expect(answer.call("large")?.errorText?.contains("exceeds") == true)
        #expect(answer.call("small")?.output == "small")
        #expect(try conductor.view().answer(turn: 0) == answer)
    }

    @Test("An error text that is larger than a record does not cost the turn")
    func largeError() async throws {
        let conductor = try Conductor {
            $0.flushWindow = .zero
            $0.maximumEventBytes = 10_000
        }
        let tool = try Tool.echo(Executions()) { _ in throw ToolError(String(repeating: "x", count: 20_000)) }
        try await conductor.start(ToolAgent(tools: [tool]))
        conductor.say("echo:a", id: "u1")
        try await conductor.finish()
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
        #expect(try await conductor.history().last?.call("a")?.state == .outputError)
    }

    @Test("Preliminary outputs are shown, the final one replaces them, and none comes after the end")
    func preliminaryOutputs() async throws {
        let conductor = try Conductor()
        let latch = Latch()
        let isRefused = Latch()
        let tool = try Tool.echo(Executions()) { call in
            try await call.report("one")
            try await call.report("two")
            Task {
                await latch.wait()
                do { try await call.report("late") } catch { isRefused.open() }
            }
            return "final"
        }
        let agent = ToolAgent(tools: [tool])
        try await conductor.start(agent)
        conductor.say("echo:a", id: "u1")
        try await conductor.finish()
        latch.open()
        await isRefused.wait()
        let outputs = conductor.view().chunks(turn: 0).compactMap { chunk -> String? in
            guard case .toolOutputAvailable(let output) = chunk else { return nil }
            return "\(output.output?.stringValue ?? "")\(output.preliminary == true ? "?" : "")"
        }
        #expect(outputs == ["one?", "two?", "final"])
        let call = try #require(try await conductor.history().last?.call("a"))
        #expect(call.output == "final")
        #expect(call.preliminary != true)
        #expect(call.isSettled)
    }

    @Test("Of an answer that was cut off before its first word, nothing is kept")
    func nothingSaid() {
        let opened: [Part] = [.stepStart(), .text(TextPart("", state: .streaming)), .reasoning(ReasoningPart(""))]
        for count in 0...opened.count {
            let message = Message(id: "m", role: .assistant, parts: Array(opened.prefix(count)))
            #expect(ResponseStream.cleaned(message) == nil, "\(count) parts")
        }
        // What a provider says of a thought has to go back to it, whether the thought is shown or not.
        let signed = ReasoningPart("", providerMetadata: ["signature": "x"])
        for part in [Part.text(TextPart("a", state: .streaming)), .reasoning(signed)] {
            let message = Message(id: "m", role: .assistant, parts: opened + [part])
            #expect(ResponseStream.cleaned(message) != nil)
        }
    }

    @Test("A preliminary output that lost the race against its call's end is refused, and changes nothing")
    func preliminaryAfterTheEnd() throws {
        struct Nowhere: TurnOutput {
            var isCongested: Bool { false }
            func write(_ chunk: Chunk) throws {}
            func check(_ chunk: Chunk) throws {}
            func write(_ control: ControlRecord) {}
            func waitUntilWritable() async {}
        }
        for end in [
            Chunk.toolOutputAvailable(toolCallID: "a", output: "x"), .toolOutputError(toolCallID: "a", errorText: "x"),
        ] {
            let stream = ResponseStream(messageID: "m", continuing: nil, output: Nowhere())
            _ = try stream.take(.toolInputAvailable(toolCallID: "a", toolName: "echo", input: ["id": "a"]))
            _ = try stream.take(.toolOutputAvailable(toolCallID: "a", output: "early", preliminary: true))
            _ = try stream.take(end)
            let before = stream.message
            #expect(throws: CancellationError.self) {
                try stream.take(.toolOutputAvailable(toolCallID: "a", output: "late", preliminary: true))
            }
            #expect(stream.message == before)
        }
    }

    @Test("The model is asked as often as it may be, and the last step's results are kept")
    func maximumSteps() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let agent = ToolAgent(tools: [try .echo(executions)], maximumSteps: 2)
        try await conductor.start(agent)
        conductor.say("echo:a; echo:b; echo:c", id: "u1")
        try await conductor.finish()
        #expect(agent.journal.prompts.count == 2)
        #expect(executions.calls == ["a", "b"])
        #expect(try await conductor.history().last?.calls.map(\.state) == [.outputAvailable, .outputAvailable])
        #expect(conductor.view().completes.map(\.finishReason) == [.toolCalls])
        #expect(conductor.view().completes.map(\.outcome) == [.completed])
    }

    @Test("A tool's output is mapped for the model in every prompt, and stored as it is")
    func modelOutput() async throws {
        let conductor = try Conductor()
        var tool = try Tool.echo(Executions())
        tool.modelOutput = { ["brief": $0["done"] ?? .null] }
        let agent = ToolAgent(tools: [tool])
        try await conductor.start(agent)
        conductor.say("echo:a", id: "u1")
        conductor.say("more", id: "u2")
        try await conductor.finish()
        try await conductor.revoke()
        let later = ToolAgent(tools: [tool])
        try await conductor.start(later)
        conductor.say("and more", id: "u3")
        try await conductor.finish()
        let shown = (agent.journal.prompts + later.journal.prompts).map { request in
            (request.messages + [request.continuation].compactMap(\.self)).flatMap(\.calls).map(\.output)
        }
        #expect(shown == [[], [["brief": "a"]], [["brief": "a"]], [["brief": "a"]]])
        #expect(try await conductor.history().flatMap(\.calls).map(\.output) == [["done": "a"]])
        #expect(try conductor.view().answer(turn: 0).calls.map(\.output) == [["done": "a"]])
    }

    @Test("The model is told of the tools, by name, description and schema")
    func definitions() async throws {
        let conductor = try Conductor()
        let agent = ToolAgent(tools: [try .echo(Executions()), try .ask()])
        try await conductor.start(agent)
        conductor.say("hello", id: "u1")
        try await conductor.finish()
        #expect(agent.journal.prompts.first?.tools.map(\.name) == ["echo", "ask"])
        #expect(agent.journal.prompts.first?.tools.first?.inputSchema == (try JSONSchema.id.json))
    }

    @Test("The tools are asked for once per run of a turn, a recovered one included")
    func toolsOnce() async throws {
        let conductor = try Conductor()
        let first = ToolAgent(tools: [try .echo(Executions())])
        try await conductor.start(first, killAt: .init(step: .afterTool))
        conductor.say("echo:a", id: "u1")
        let death = try await conductor.waitForDeath()
        let second = ToolAgent(tools: [try .echo(Executions())])
        try await conductor.start(second, death: death)
        try await conductor.finish()
        #expect(first.journal.words.count { $0 == "tools 0" } == 1)
        #expect(second.journal.words.count { $0 == "tools 0" } == 1)
    }

    @Test("Events that the broker refuses keep a tool from running until they are there")
    func refusedEvents() async throws {
        let conductor = try Conductor()
        let executions = Executions()
        let latch = Latch()
        let agent = ToolAgent(
            tools: [
                try .echo(
                    executions, body: { _ in .bool(conductor.view().words(turn: 0).contains("tool-input-available")) })
            ],
            onStart: { _ in await latch.wait() })
        try await conductor.start(agent)
        conductor.say("echo:a", id: "u1")
        try await waitFor { latch.waiting == 1 }
        conductor.log.failNext(1)
        latch.open()
        try await conductor.finish()
        #expect(executions.calls == ["a"])
        #expect(try await conductor.history().last?.call("a")?.output == true)
        #expect(conductor.view().isGapless)
        #expect(try conductor.view().answer(turn: 0) == (try await conductor.history().last))
    }
}
