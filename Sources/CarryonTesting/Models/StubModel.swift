public import Conversation
public import LanguageModels

/// A language model whose answers a test decides. What it is asked can be read in ``MockChatAgent/prompts``.
///
///     StubModel { request in request.messages.count > 1 ? "once more" : "for the first time" }
///
/// Asked to go on with an unfinished answer that is the beginning of the text it would give, it says the rest.
public struct StubModel: LanguageModel {
    public let name: String
    private let answer: @Sendable (ModelRequest) async throws -> StubAnswer

    /// Makes a model.
    /// - Parameters:
    ///   - name: as it is reported in runs and spans.
    ///   - answer: called for each prompt, on the turn's task. What it throws is the failure of the model call: a
    ///     `ModelError` for one of a provider.
    public init(name: String = "stub", _ answer: @escaping @Sendable (ModelRequest) async throws -> StubAnswer) {
        self.name = name
        self.answer = answer
    }

    public func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        PromptSink.current?.note(request)
        let answer = try await answer(request).continuing(request.continuation)
        for chunk in answer.chunks { try await emit(chunk) }
        return ModelResponse(finishReason: answer.finishReason, usage: answer.usage)
    }
}
