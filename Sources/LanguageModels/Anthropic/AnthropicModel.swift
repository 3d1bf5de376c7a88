public import Conversation

/// A model behind Anthropic's messages API.
///
/// An unfinished answer is put last in the prompt, and the model goes on with it. Where that is refused, as with newer
/// models and with thinking, it is asked to go on by an instruction. Thoughts keep their signatures in the provider
/// metadata of their parts, and go back as they came.
public struct AnthropicModel: LanguageModel {
    /// Anthropic's own address.
    public static let standardURL = "https://api.anthropic.com"
    /// How many tokens one call may give, unless another number is set: the API wants one.
    public static let standardMaximumTokens = 8192

    private let model: String
    private let endpoint: ModelEndpoint
    private let timeouts: ModelTimeouts
    private let maximumTokens: Int
    private let thinkingTokens: Int?
    private let continuing: Continuing

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - model: the model's name at its provider.
    ///   - endpoint: where the API is, with or without `/v1` at its end, and the key to it.
    ///   - maximumTokens: how many tokens one call may give at most.
    ///   - thinkingTokens: how many of them the model may think with, at least 1024 and less than all; `nil` for no
    ///     thinking.
    ///   - continuation: how it is asked to go on with an unfinished answer.
    ///   - timeouts: how long the provider may keep a call waiting.
    public init(
        model: String, endpoint: ModelEndpoint, maximumTokens: Int = AnthropicModel.standardMaximumTokens,
        thinkingTokens: Int? = nil, continuation: AnswerContinuation = .automatic,
        timeouts: ModelTimeouts = ModelTimeouts()
    ) {
        self.model = model
        self.endpoint = endpoint
        self.timeouts = timeouts
        self.maximumTokens = maximumTokens
        self.thinkingTokens = thinkingTokens
        continuing = Continuing(continuation)
    }

    /// `anthropic:` and the model's name.
    public var name: String { "anthropic:\(model)" }

    public func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let prompt = ModelPrompt(request)
        return try await continuing.answer(prompt) { form in try await call(request, prompt, form, emit) }
    }

    private func call(
        _ request: ModelRequest, _ prompt: ModelPrompt, _ form: Continuing.Form?,
        _ emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let body = AnthropicRequest(
            model: model, prompt: prompt, tools: request.tools, form: form, maximumTokens: maximumTokens,
            thinkingTokens: thinkingTokens)
        var headers = [("anthropic-version", "2023-06-01")]
        if let key = endpoint.key { headers.append(("x-api-key", key)) }
        let exchange = ModelExchange(
            endpoint: endpoint, path: endpoint.baseURL.hasSuffix("/v1") ? "/messages" : "/v1/messages",
            headers: headers, body: body.json.serialized(), timeouts: timeouts)
        var writer = AnswerWriter(request, seam: Self.seam(after: prompt.unfinished, form))
        return try await exchange.perform { events in
            var reader = AnthropicReader(host: endpoint.host)
            try await reader.readAll(&events, into: &writer, emit)
            guard let reason = reader.finishReason else {
                throw exchange.failure("ended its answer before it was complete")
            }
            try await writer.finish(isCut: reason == .length, emit)
            await events.drain()
            return ModelResponse(finishReason: reason, usage: reader.usage)
        }
    }

    private static func seam(after said: String?, _ form: Continuing.Form?) -> Seam? {
        guard let said, let form else { return nil }
        switch form {
        case .instruct: return Seam(after: said, rule: .repetition)
        case .prefill:
            let shown = AnthropicRequest.withoutTrailingSpace(said)
            return Seam(after: String(shown), tail: said[shown.endIndex...], rule: .echo)
        }
    }
}
