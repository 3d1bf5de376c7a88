public import Conversation

/// A model behind a circuit breaker: while its provider counts as failing, calls fail at once.
///
/// Every call is reported to the breaker. One that failed counts as failed, also after a part of the answer has come.
public struct GuardedModel: LanguageModel {
    private let model: any LanguageModel
    private let breaker: CircuitBreaker

    /// Puts `breaker` before `model`.
    ///
    /// - Parameters:
    ///   - model: what answers.
    ///   - breaker: the one of the model's provider. Models of the same provider share it.
    public init(_ model: any LanguageModel, breaker: CircuitBreaker) {
        self.model = model
        self.breaker = breaker
    }

    /// The name of the model behind the breaker.
    public var name: String { model.name }

    /// Passes the call on to the model, unless the breaker is open.
    ///
    /// - Throws: ``ModelError`` with the code `overloaded` while the breaker refuses calls, and with the time until the
    ///   provider will be probed, if that is known; otherwise what the model throws.
    public func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let call = try breaker.admit()
        do {
            let response = try await model.generate(request, emit: emit)
            breaker.settle(call, as: .succeeded)
            return response
        } catch {
            breaker.settle(call, as: Self.outcome(of: error))
            throw error
        }
    }

    /// A connection that broke because the turn was ended is not the provider's fault.
    private static func outcome(of error: any Error) -> CircuitBreakerState.Outcome {
        guard let error = error as? ModelError, error.isRetriable, !Task.isCancelled else { return .undecided }
        return .failed(retryAfter: error.retryAfter)
    }
}
