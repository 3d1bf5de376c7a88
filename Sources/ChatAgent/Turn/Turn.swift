public import Conversation
public import LanguageModels

/// A turn in progress, as the agent's ``ChatAgent/run(_:)`` sees it. Safe to use from several tasks.
public struct Turn: Sendable {
    /// Which turn of which session, with the request's data and the session's locals.
    public let identity: TurnIdentity
    /// The history that the answer answers, oldest first. An answer that goes on from earlier turns is in its place in
    /// there, as those left it.
    public let messages: [Message]
    /// The history, to be read and changed. What is written to it is the base that the answer is put on top of.
    public let history: History
    /// The tools of this turn.
    public let tools: ToolSet
    let stream: ResponseStream
    let control: TurnControl
    let steps: StepContext

    /// The answer so far; after a recovery it begins with what the dead run had said.
    public var response: Message { stream.message }

    /// Whether the user stopped the turn. The task is cancelled then.
    public var isStopped: Bool {
        if case .stopped = control.ending { true } else { false }
    }

    /// Asks `model` for an answer to ``messages`` and streams it into the response, step by step: as long as the model
    /// calls tools, their results are put before it.
    ///
    /// If the response has content already (a dead run's, an earlier call's, or an answer that waited for a tool's
    /// result), the model is asked to go on from there. It ends early, with the reason `tool-calls`, when a call waits
    /// for somebody outside.
    /// - Parameters:
    ///   - model: what to ask.
    ///   - system: instructions that come before the conversation.
    ///   - maximumSteps: how often the model is asked at most.
    ///   - retry: what to do when the provider fails.
    /// - Returns: why the model ended and what the last step cost.
    /// - Throws: `ModelError` if the provider failed; `CancellationError` when the turn ended.
    @discardableResult
    public func respond(
        with model: any LanguageModel, system: String? = nil, maximumSteps: Int = 20, retry: RetryPolicy = .standard
    ) async throws -> ModelResponse {
        let calls = ToolRunner(turn: self)
        var response = ModelResponse(finishReason: .toolCalls)
        // What an earlier run, or an answer from outside, has left to be done comes first.
        switch try await calls.settle(from: 0) {
        case .waiting:
            try stream.endStep(finishReason: .toolCalls, usage: nil)
            return response
        case .settled where stream.stepHoldsCalls: try await endStep(response)
        case .settled, .none: break
        }
        for step in 0..<max(maximumSteps, 1) {
            let position: Int
            (response, position) = try await ask(model, system, retry)
            let outcome = try await calls.settle(from: position)
            try stream.endStep(
                finishReason: outcome == .none ? response.finishReason : .toolCalls, usage: response.usage)
            if outcome != .settled { break }
            if step + 1 < maximumSteps { try await boundary(response) }
        }
        return ModelResponse(finishReason: stream.finishReason ?? response.finishReason, usage: response.usage)
    }

    private func endStep(_ response: ModelResponse) async throws {
        try stream.endStep(finishReason: response.finishReason, usage: response.usage)
        try await boundary(response)
    }

    @inline(never)
    private func boundary(_ response: ModelResponse) async throws {
        steps.support.reached(.stepBoundary)
        try await steps.boundary(self, response.usage)
    }

    /// One call of the model, made again as often as the policy says. What it has said before it failed stays said; if
    /// it has called a tool by then, that is its answer.
    /// - Returns: the answer, and where its parts begin. A call that was cut off is before that: the model has been
    ///   told of it when it was asked again.
    @inline(never)
    private func ask(
        _ model: any LanguageModel, _ system: String?, _ retry: RetryPolicy
    ) async throws -> (ModelResponse, position: Int) {
        var position = stream.message.parts.count
        let prompt = try await steps.prompt(for: self)
        var request = ModelRequest(
            messages: prompt.messages, system: system, continuation: prompt.continuation,
            tools: tools.tools.map {
                ToolDefinition(name: $0.name, description: $0.description, inputSchema: $0.inputSchema.json)
            },
            run: identity.run)
        var failures = 0
        while true {
            do {
                // An answer that goes on does so in its last part.
                let from = max(request.continuation == nil ? position : position - 1, stream.baseCount)
                let response = try await model.traced(request, said: { stream.message.parts.dropFirst(from) }) {
                    try await emit($0)
                }
                steps.count(response.usage)
                return (response, position)
            } catch let error as ModelError {
                failures += 1
                guard control.ending == nil,
                    let delay = retry.delay(after: error, failures: failures, random: .random(in: 0..<1))
                else { throw error }
                try stream.prepareRetry()
                if stream.message.hasPendingCalls(from: position) {
                    return (ModelResponse(finishReason: .toolCalls), position)
                }
                position = stream.message.parts.count
                try await steps.support.clock.sleep(for: delay)
                request.continuation = steps.continuation(for: self)
            }
        }
    }

    /// Writes a chunk of the answer: a part's, or a `data-NAME`. What opens and closes the message and its steps
    /// (`start`, `finish`, ...) is written by the turn itself.
    /// - Throws: an error for a chunk that does not fit what was written before, or is larger than a record may be;
    ///   `CancellationError` when the turn ended.
    public func write(_ chunk: Chunk) async throws {
        try await emit(chunk)
    }

    /// Also for tasks that the turn's cancellation does not reach.
    func emit(_ chunk: Chunk) async throws {
        if control.ending != nil { throw CancellationError() }
        if try stream.take(chunk) { await stream.waitUntilWritable() }
    }

    /// Writes `text` as a text part of its own.
    /// - Throws: `CancellationError` when the turn ended.
    public func say(_ text: String) async throws {
        let id = "say-\(stream.message.parts.count)"
        try await emit(.textStart(id: id))
        try await emit(.textDelta(id: id, delta: text))
        try await emit(.textEnd(id: id))
    }
}

extension Message {
    fileprivate func hasPendingCalls(from position: Int) -> Bool {
        parts.dropFirst(position).contains {
            if case .tool(let call) = $0 { call.state == .inputAvailable } else { false }
        }
    }
}
