public import Conversation

/// A model behind OpenAI's chat completions, or behind any server that speaks them: vLLM, llama.cpp, Ollama and many
/// hosted ones.
///
/// An unfinished answer is gone on with in one of the ways of ``AnswerContinuation``. Chat completions have no word for
/// it: vLLM is asked for it by name, llama.cpp and Ollama go on with a last message of the assistant by themselves, and
/// OpenAI's own servers refuse what they don't know, so that they are given an instruction.
public struct OpenAIModel: LanguageModel {
    /// OpenAI's own address.
    public static let standardURL = "https://api.openai.com/v1"

    private let model: String
    private let endpoint: ModelEndpoint
    private let timeouts: ModelTimeouts
    private let maximumTokens: Int?
    private let continuing: Continuing

    /// Makes a model.
    ///
    /// - Parameters:
    ///   - model: the model's name at its provider.
    ///   - endpoint: where the API is, up to `/v1`, and the key to it.
    ///   - maximumTokens: how many tokens one call may give at most; `nil` leaves it to the provider.
    ///   - continuation: how it is asked to go on with an unfinished answer.
    ///   - timeouts: how long the provider may keep a call waiting.
    public init(
        model: String, endpoint: ModelEndpoint, maximumTokens: Int? = nil,
        continuation: AnswerContinuation = .automatic, timeouts: ModelTimeouts = ModelTimeouts()
    ) {
        self.model = model
        self.endpoint = endpoint
        self.timeouts = timeouts
        self.maximumTokens = maximumTokens
        continuing = Continuing(continuation)
    }

    /// `openai:` and the model's name.
    public var name: String { "openai:\(model)" }

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
        let body = ChatCompletionRequest(
            model: model, prompt: prompt, tools: request.tools, form: form, maximumTokens: maximumTokens,
            // OpenAI's newer models take only the newer name; other servers may know only the older one.
            isOpenAI: endpoint.host.hasSuffix("api.openai.com"))
        let exchange = ModelExchange(
            endpoint: endpoint, path: "/chat/completions",
            headers: endpoint.key.map { [("Authorization", "Bearer \($0)")] } ?? [], body: body.json.serialized(),
            timeouts: timeouts)
        var seam: Seam?
        if let form, let said = prompt.unfinished {
            seam = Seam(after: said, rule: form == .instruct ? .repetition : .echo)
        }
        var writer = AnswerWriter(request, seam: seam)
        return try await exchange.perform { events in
            var reader = ChatCompletionReader(host: endpoint.host)
            try await reader.readAll(&events, into: &writer, emit)
            guard reader.isDone || reader.finishReason != nil else {
                throw exchange.failure("ended its answer before it was complete")
            }
            let reason = reader.finishReason ?? .stop
            try await writer.finish(isCut: reason == .length, emit)
            await events.drain()
            // Some say `stop` whatever the answer ends with.
            let isCalling = writer.hasCalls && (reason == .stop || reason == .other)
            return ModelResponse(finishReason: isCalling ? .toolCalls : reason, usage: reader.usage)
        }
    }
}
