import Conversation
import LanguageModels
import Telemetry
import Tracing

// Spans as OpenTelemetry has them (*Semantic conventions for generative AI systems*). Without a back end for them, nothing
// is made of any.

extension TurnLoop {
    /// The span of one run of the agent.
    func startSpan(_ work: TurnWork) -> any Span {
        let span = beginSpan("invoke_agent \(agent.name)")
        guard span.isRecording else { return span }
        let identity = work.plan.identity
        span.describe([
            ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", .string(agent.name)),
            ("carryon.turn", .int64(Int64(identity.turn))), ("carryon.run", .int64(Int64(identity.run))),
            ("carryon.request.id", .string(identity.requestID)),
        ])
        return span
    }
}

extension Span {
    /// What a settled turn is known by.
    func add(_ effect: TurnEffect) {
        describe([("carryon.outcome", .string(effect.outcome.rawValue))])
        describe(effect.finishReason, effect.usage)
    }

    /// What a model's answer is known by.
    fileprivate func describe(_ finishReason: FinishReason, _ usage: Usage?) {
        guard isRecording else { return }
        var details: [(name: String, value: SpanAttribute)] = [
            ("gen_ai.response.finish_reasons", .stringArray([finishReason.rawValue]))
        ]
        if let tokens = usage?.inputTokens { details.append(("gen_ai.usage.input_tokens", .int64(Int64(tokens)))) }
        if let tokens = usage?.outputTokens { details.append(("gen_ai.usage.output_tokens", .int64(Int64(tokens)))) }
        describe(details)
    }

    /// That what it is of did not succeed. What an error says may hold a message's text, and is left out.
    func fail(_ error: any Error) {
        guard isRecording else { return }
        updateAttributes { $0["error.type"] = "\(type(of: error))" }
        setStatus(SpanStatus(code: .error))
    }
}

extension LanguageModel {
    /// Asks the model, in a span of the call: `chat MODEL`, with the provider in front of the colon in its name.
    /// - Parameter said: the parts of the answer that the call has given; asked for only if spans hold texts.
    func traced(
        _ request: ModelRequest, said: () -> ArraySlice<Part>, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let parts = name.split(separator: ":", maxSplits: 1)
        let span = beginSpan("chat \(parts.last ?? "")", ofKind: .client)
        guard span.isRecording else { return try await generate(request, emit: emit) }
        defer { span.end() }
        span.describe([
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", .string(parts.count == 2 ? String(parts[0]) : name)),
            ("gen_ai.request.model", .string(String(parts.last ?? ""))), ("gen_ai.request.stream", true),
        ])
        span.addTexts(of: request)
        do {
            let response = try await ServiceContext.withValue(span.context) {
                try await generate(request, emit: emit)
            }
            span.describe(response.finishReason, response.usage)
            span.addText(of: said, response.finishReason)
            return response
        } catch {
            span.fail(error)
            span.addText(of: said, nil)
            throw error
        }
    }
}
