import Conversation
import Telemetry
import Tracing

/// Carries out the calls that an answer holds: checks them, asks for approval, runs them at once within a bound, and
/// puts their results into the answer.
struct ToolRunner: Sendable {
    /// What is left to do after a step's calls.
    enum Outcome: Sendable {
        /// There were no calls.
        case none
        /// Every call has a result.
        case settled
        /// A call waits for somebody outside.
        case waiting
    }

    private struct Ready: Sendable {
        var tool: Tool
        var body: Tool.Body
        var call: ToolCall
        var isInDoubt: Bool
    }

    let turn: Turn

    /// Settles the calls among the answer's parts from `position` on. From 0, calls of earlier turns that were granted
    /// or refused since are among them; those that still wait are left to wait.
    func settle(from position: Int) async throws -> Outcome {
        guard turn.stream.holdsCalls(from: position) else { return .none }
        return try await settleCalls(from: position)
    }

    // Apart, so that an answer without calls does not hold this function's frame while it streams.
    @inline(never)
    private func settleCalls(from position: Int) async throws -> Outcome {
        var outcome = Outcome.none
        var ready: [Ready] = []
        let parts = turn.stream.message.parts
        for index in parts.indices.dropFirst(position) {
            guard case .tool(let part) = parts[index], part.providerExecuted != true else { continue }
            let isOwn = index >= turn.stream.baseCount
            switch part.state {
            case .inputAvailable where isOwn, .outputAvailable where isOwn && part.preliminary == true:
                outcome = max(outcome, try await admit(part, &ready))
            case .approvalRequested where isOwn:
                outcome = .waiting
            case .approvalResponded,
                .outputAvailable where part.preliminary == true && part.approval != nil:
                outcome = max(outcome, .settled)
                if part.approval?.approved == true, let call = try await granted(part) {
                    ready.append(call)
                } else if part.approval?.approved == false {
                    try await turn.emit(.toolOutputDenied(toolCallID: part.toolCallID))
                }
            case .outputAvailable, .outputError, .outputDenied:
                if isOwn, index >= turn.stream.stepPosition { outcome = max(outcome, .settled) }
            case .inputAvailable, .approvalRequested, .inputStreaming: break
            }
        }
        if !ready.isEmpty { try await run(ready) }
        return outcome
    }

    /// Looks at a call that is complete: refuses it, leaves it to somebody outside, or makes it ready.
    private func admit(_ part: ToolPart, _ ready: inout [Ready]) async throws -> Outcome {
        // A preliminary output is no result, but it takes a call that has begun.
        let hasBegun = part.preliminary == true || turn.steps.intents.contains(part.toolCallID)
        guard let tool = turn.tools[part.toolName] else {
            if !hasBegun, turn.tools.undeclared == .isExternal { return .waiting }
            let names = turn.tools.tools.map(\.name).joined(separator: ", ")
            let known = names.isEmpty ? "there are none" : "there are: \(names)"
            try await fail(part.toolCallID, "there is no tool '\(part.toolName)'; \(known)")
            return .settled
        }
        let input = part.input ?? .null
        if let objection = tool.inputSchema.objection(to: input) {
            try await fail(part.toolCallID, "the input does not fit the tool's schema: \(objection)")
            return .settled
        }
        guard case .local(let body) = tool.execution else { return .waiting }
        let call = self.call(part.toolCallID, tool, input)
        let isInDoubt = turn.steps.intents.contains(part.toolCallID)
        // What has begun was allowed to.
        if !hasBegun, try await needsApproval(tool, call) {
            try await turn.emit(.toolApprovalRequest(approvalID: ToolApproval.id(ofCall: call.id), toolCallID: call.id))
            return .waiting
        }
        ready.append(Ready(tool: tool, body: body, call: call, isInDoubt: isInDoubt))
        return .settled
    }

    private func granted(_ part: ToolPart) async throws -> Ready? {
        guard let tool = turn.tools[part.toolName], case .local(let body) = tool.execution else {
            try await fail(part.toolCallID, "the tool '\(part.toolName)' is not there any more")
            return nil
        }
        return Ready(
            tool: tool, body: body, call: call(part.toolCallID, tool, part.input ?? .null),
            isInDoubt: turn.steps.intents.contains(part.toolCallID))
    }

    private func call(_ id: String, _ tool: Tool, _ input: JSON) -> ToolCall {
        ToolCall(id: id, toolName: tool.name, input: input, turn: turn.identity) { output in
            try await turn.emit(.toolOutputAvailable(toolCallID: id, output: output, preliminary: true))
        }
    }

    private func needsApproval(_ tool: Tool, _ call: ToolCall) async throws -> Bool {
        switch tool.approval {
        case .never: return false
        case .always: return true
        case .when(let decide):
            do {
                return try await decide(call)
            } catch {
                if turn.control.ending != nil { throw CancellationError() }
                return true
            }
        }
    }

    private func run(_ ready: [Ready]) async throws {
        // From here on a call may have an effect, so that it must be on record that it was made.
        let intents = ready.filter { !$0.isInDoubt && !$0.tool.mayRunTwice }.map(\.call.id)
        try await turn.steps.support.makeDurable(intents: intents)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, next) in ready.enumerated() {
                if index >= turn.tools.maximumConcurrency { try await group.next() }
                group.addTask { try await execute(next) }
            }
            try await group.waitForAll()
        }
    }

    private func execute(_ ready: Ready) async throws {
        let (tool, call) = (ready.tool, ready.call)
        turn.steps.support.reached(.beforeTool)
        if ready.isInDoubt {
            switch try await reconciled(tool, call) {
            case .done(let output): return try await succeed(call, output)
            case .failed(let reason): return try await fail(call.id, reason)
            case .unknown:
                return try await fail(
                    call.id, "the outcome of this call is unknown: the process that made it died before it had a result"
                )
            case .notDone: break
            }
        }
        do {
            let output = try await traced(tool, call) { try await timed(tool.timeout, call, ready.body) }
            turn.steps.support.reached(.afterTool)
            try await succeed(call, output)
        } catch {
            if turn.control.ending != nil { throw CancellationError() }
            turn.steps.support.reached(.afterTool)
            try await fail(call.id, TurnError(error).message)
        }
    }

    /// Carries a call out, in a span of it, and counts it.
    private func traced(_ tool: Tool, _ call: ToolCall, _ body: () async throws -> JSON) async throws -> JSON {
        let began = ContinuousClock.now
        do {
            let output = try await inSpan("execute_tool \(tool.name)") { span in
                if span.isRecording {
                    span.describe([
                        ("gen_ai.operation.name", "execute_tool"), ("gen_ai.tool.name", .string(tool.name)),
                        ("gen_ai.tool.call.id", .string(call.id)),
                    ])
                }
                return try await body()
            }
            MetricCatalog.toolCalls.add(1, tool.name, "ok")
            MetricCatalog.toolDuration.record(since: began, tool.name)
            return output
        } catch {
            // A turn's end is no failure of its tools.
            if turn.control.ending == nil { MetricCatalog.toolCalls.add(1, tool.name, "failed") }
            MetricCatalog.toolDuration.record(since: began, tool.name)
            throw error
        }
    }

    private func reconciled(_ tool: Tool, _ call: ToolCall) async throws -> Tool.Reconciliation {
        switch tool.doubt {
        case .reportUnknown: return .unknown
        case .runAgain: return .notDone
        case .reconcile(let find):
            do {
                return try await timed(tool.timeout, call, find)
            } catch {
                if turn.control.ending != nil { throw CancellationError() }
                return .unknown
            }
        }
    }

    private func succeed(_ call: ToolCall, _ output: JSON) async throws {
        try await turn.emit(.toolOutputAvailable(toolCallID: call.id, output: output))
    }

    private func fail(_ id: String, _ reason: String) async throws {
        // It has to fit into a record.
        let text = TurnError(ToolError(reason)).message
        try await turn.emit(.toolOutputError(toolCallID: id, errorText: text))
    }

    /// Runs `body` for as long as it may take. A body that does not heed its cancellation is left behind: its turn does
    /// not wait for it, and nothing that it still says is heard.
    private func timed<Value: Sendable>(
        _ timeout: Duration, _ call: ToolCall, _ body: @escaping @Sendable (ToolCall) async throws -> Value
    ) async throws -> Value {
        let race = Race<Value, any Error>()
        let heard = ToolCall(id: call.id, toolName: call.toolName, input: call.input, turn: call.turn) { output in
            guard race.isOpen else { throw CancellationError() }
            try await call.onPreliminary(output)
        }
        let clock = turn.steps.support.clock
        let work = Task {
            do { race.finish(.success(try await body(heard))) } catch { race.finish(.failure(error)) }
        }
        let timer = Task {
            guard (try? await clock.sleep(for: timeout)) != nil else { return }
            race.finish(.failure(ToolError("the tool took longer than \(timeout)")))
        }
        defer {
            work.cancel()
            timer.cancel()
        }
        return try await withTaskCancellationHandler {
            try await race.value()
        } onCancel: {
            race.finish(.failure(CancellationError()))
        }
    }
}

extension ToolRunner.Outcome: Comparable {}

extension Tool {
    /// Whether a call in doubt is simply made again, so that there is nothing to put on record beforehand.
    fileprivate var mayRunTwice: Bool {
        if case .runAgain = doubt { true } else { false }
    }
}
