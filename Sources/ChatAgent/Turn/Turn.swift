public import Conversation
public import LanguageModels

/// A turn in progress, as the agent's ``ChatAgent/run(_:)`` sees it. Safe to use from several tasks.
public struct Turn: Sendable {
    /// Which turn of which session, with the request's data and the session's locals.
    public let identity: TurnIdentity
    /// The history that the answer answers, oldest first, without the answer.
    public let messages: [Message]
    let stream: ResponseStream
    let control: TurnControl

    /// The answer so far; after a recovery it begins with what the dead run had said.
    public var response: Message { stream.message }

    /// Whether the user stopped the turn. The task is cancelled then.
    public var isStopped: Bool {
        if case .stopped = control.ending { true } else { false }
    }

    /// Asks `model` for an answer to ``messages`` and streams it into the response.
    ///
    /// If the response has content already (a dead run's, or an earlier call's), the model is asked to go on from
    /// there.
    /// - Parameters:
    ///   - model: what to ask.
    ///   - system: instructions that come before the conversation.
    /// - Returns: why the model ended and what it cost.
    /// - Throws: `ModelError` if the provider failed; `CancellationError` when the turn ended.
    @discardableResult
    public func respond(with model: any LanguageModel, system: String? = nil) async throws -> ModelResponse {
        let unfinished = stream.message
        let request = ModelRequest(
            messages: messages, system: system, continuation: unfinished.hasContent ? unfinished : nil,
            run: identity.run)
        let response = try await model.generate(request) { [stream, control] chunk in
            if control.ending != nil { throw CancellationError() }
            if try stream.take(chunk) { await stream.waitUntilWritable() }
        }
        try stream.endStep(finishReason: response.finishReason, usage: response.usage)
        return response
    }

    /// Writes a chunk of the answer: a part's, or a `data-NAME`. What opens and closes the message and its steps
    /// (`start`, `finish`, ...) is written by the turn itself.
    /// - Throws: an error for a chunk that does not fit what was written before, or is larger than a record may be;
    ///   `CancellationError` when the turn ended.
    public func write(_ chunk: Chunk) async throws {
        try await emit(chunk)
    }

    /// Also for tasks that the turn's cancellation does not reach.
    private func emit(_ chunk: Chunk) async throws {
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
