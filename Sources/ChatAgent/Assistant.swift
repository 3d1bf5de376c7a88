public import LanguageModels

/// The built-in agent: hands the conversation to a language model and streams its answer.
public struct Assistant: ChatAgent {
    public let name: String
    private let model: any LanguageModel
    private let system: String?

    /// Makes an assistant.
    /// - Parameters:
    ///   - model: answers every turn.
    ///   - system: instructions that come before every conversation.
    ///   - name: the agent's name in spans and logs.
    public init(model: any LanguageModel, system: String? = nil, name: String = "assistant") {
        self.model = model
        self.system = system
        self.name = name
    }

    public func run(_ turn: Turn) async throws {
        try await turn.respond(with: model, system: system)
    }
}
