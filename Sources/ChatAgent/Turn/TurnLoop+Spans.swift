import Conversation
import LanguageModels
import Telemetry
import Tracing

// Spans as OpenTelemetry has them (*Semantic conventions for generative AI systems*). Without a back end for them, nothing
// is made of any.

extension TurnLoop {
    /// The span of one run of the agent.
    func startSpan(_ work: TurnWork) -> any Span {
        let span = Tracing.startSpan("invoke_agent \(agent.name)")
        guard span.isRecording else { return span }
        let identity = work.plan.identity
        span.describe([
            ("gen_ai.operation.name", "invoke_agent"), ("gen_ai.agent.name", .string(agent.name)),
            ("carryon.turn", .int64(Int64(identity.turn))), ("carryon.run", .int64(Int64(identity.run))),
            ("carryon.request.id", .string(identity.requestID)),
        ])
        return span
    }

    /// Calls a hook in a span of its name. One that has nothing to do, as most have, leaves no span behind.
    func hookSpan<Output>(_ name: String, _ body: () async throws -> Output) async throws -> Output {
        let span = Tracing.startSpan(name)
        guard span.isRecording else { return try await body() }
        let began = ContinuousClock.now
        do {
            let output = try await ServiceContext.withValue(span.context) { try await body() }
            if ContinuousClock.now - began >= .microseconds(100) { span.end() }
            return output
        } catch {
            span.fail(error)
            span.end()
            throw error
        }
    }
}

extension Span {
    /// What a settled turn is known by.
    func add(_ effect: TurnEffect) {
        guard isRecording else { return }
        updateAttributes { attributes in
            attributes["carryon.outcome"] = effect.outcome.rawValue
            attributes.add(effect.finishReason, effect.usage)
        }
    }

    /// That what it is of did not succeed. What an error says may hold a message's text, and is left out.
    func fail(_ error: any Error) {
        guard isRecording else { return }
        updateAttributes { $0["error.type"] = "\(type(of: error))" }
        setStatus(SpanStatus(code: .error))
    }
}

extension SpanAttributes {
    fileprivate mutating func add(_ finishReason: FinishReason, _ usage: Usage?) {
        self["gen_ai.response.finish_reasons"] = [finishReason.rawValue]
        self["gen_ai.usage.input_tokens"] = usage?.inputTokens
        self["gen_ai.usage.output_tokens"] = usage?.outputTokens
    }
}

extension LanguageModel {
    /// Asks the model, in a span of the call: `chat MODEL`, with the provider in front of the colon in its name.
    /// - Parameter said: the parts of the answer that the call has given; asked for only if spans hold texts.
    func traced(
        _ request: ModelRequest, said: () -> ArraySlice<Part>, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let parts = name.split(separator: ":", maxSplits: 1)
        let span = startSpan("chat \(parts.last ?? "")", ofKind: .client)
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
            span.updateAttributes { $0.add(response.finishReason, response.usage) }
            span.addText(of: said, response.finishReason)
            return response
        } catch {
            span.fail(error)
            span.addText(of: said, nil)
            throw error
        }
    }
}
