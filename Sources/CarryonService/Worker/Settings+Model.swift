import Foundation
package import LanguageModels

extension Settings {
    /// Makes the model that the settings or the agent's file name. One of a provider stands behind a circuit breaker.
    ///
    /// - Parameters:
    ///   - file: the agent's file, if there is one. What was set by a flag or a variable wins over it, as everywhere.
    ///   - environment: where a provider's key is looked for that no setting gives.
    /// - Throws: ``CommandFailure`` if the provider cannot be asked.
    package func makeModel(
        _ file: AgentFile?, environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws -> any LanguageModel {
        let timeouts = ModelTimeouts(
            connect: modelConnectTimeout, firstToken: modelFirstTokenTimeout, idle: modelIdleTimeout)
        switch sources["model"] == nil ? file?.model ?? model : model {
        case .scripted: return ScriptedModel(faultInjection: faultInjection, interval: wordInterval)
        case .openAI(let name):
            let endpoint = try endpoint(OpenAIModel.standardURL, environment, keyVariable: "OPENAI_API_KEY")
            let model = OpenAIModel(
                model: name, endpoint: endpoint, maximumTokens: modelMaximumTokens, continuation: modelContinuation,
                timeouts: timeouts)
            return GuardedModel(model, breaker: CircuitBreaker(provider: endpoint.host))
        case .anthropic(let name):
            let endpoint = try endpoint(AnthropicModel.standardURL, environment, keyVariable: "ANTHROPIC_API_KEY")
            let model = AnthropicModel(
                model: name, endpoint: endpoint,
                maximumTokens: modelMaximumTokens ?? AnthropicModel.standardMaximumTokens,
                continuation: modelContinuation, timeouts: timeouts)
            return GuardedModel(model, breaker: CircuitBreaker(provider: endpoint.host))
        }
    }

    private func endpoint(
        _ standardURL: String, _ environment: [String: String], keyVariable: String
    ) throws -> ModelEndpoint {
        let key = modelKey ?? environment[keyVariable]
        guard modelURL != nil || key?.isEmpty == false else {
            throw CommandFailure(
                .usage,
                "the model's provider wants a key: set CARRYON_MODEL_KEY, CARRYON_MODEL_KEY_FILE or \(keyVariable)")
        }
        do {
            return try ModelEndpoint(baseURL: modelURL ?? standardURL, key: key)
        } catch {
            throw CommandFailure(.usage, "the model's provider cannot be asked: \(error.message)")
        }
    }
}
