import Synchronization

/// How one provider's model is asked to go on with unfinished answers: as it is set, and as it has answered so far.
///
/// Copies of a model share what was learnt.
final class Continuing: Sendable {
    /// The form of one call.
    enum Form: Sendable, Hashable { case prefill, instruct }

    private let choice: AnswerContinuation
    private let refusesPrefill = Mutex(false)

    init(_ choice: AnswerContinuation) { self.choice = choice }

    /// Makes the call that answers a prompt, in a form if the prompt ends in an unfinished answer.
    /// - Throws: `ModelError` for a failure of the provider, and what else `call` throws.
    func answer(_ prompt: ModelPrompt, _ call: (Form?) async throws -> ModelResponse) async throws -> ModelResponse {
        do {
            return prompt.unfinished == nil ? try await call(nil) : try await perform(call)
        } catch let failure as ProviderFailure {
            throw failure.error
        }
    }

    /// Makes a call that goes on with an answer, and makes it again in the other form if the first is refused.
    ///
    /// - Parameter attempt: makes the call. A refusal comes before it has said anything.
    private func perform(_ attempt: (Form) async throws -> ModelResponse) async throws -> ModelResponse {
        switch choice {
        case .prefill: return try await attempt(.prefill)
        case .instruct: return try await attempt(.instruct)
        case .automatic: break
        }
        if refusesPrefill.withLock({ $0 }) { return try await attempt(.instruct) }
        do {
            return try await attempt(.prefill)
        } catch let failure as ProviderFailure where failure.isRefusedRequest {
            let response = try await attempt(.instruct)
            // Only now: what is refused in either form has another fault.
            refusesPrefill.withLock { $0 = true }
            return response
        }
    }
}
