package import Conversation
package import LanguageModels
import Synchronization

/// Has a model put a conversation into few words.
package struct Summarizer: Sendable {
    private let model: any LanguageModel
    private let retry: RetryPolicy

    /// - Parameter retry: what to do when the model's provider fails.
    package init(model: any LanguageModel, retry: RetryPolicy) {
        self.model = model
        self.retry = retry
    }

    private static let instructions = """
        You summarise conversations between a user and an assistant. The summary takes the place of the conversation: \
        the assistant goes on with nothing else of it in mind. Keep facts, names, numbers, decisions, results of tools, \
        and what is still open. Write nothing but the summary.
        """

    private static let question = "Summarise the conversation so far."

    /// The summary.
    /// - Throws: `ModelError` if the model's provider failed, or if it had nothing to say.
    package func summary(of messages: [Message]) async throws -> String {
        let request = ModelRequest(
            messages: messages + [.user(id: "summary", text: Self.question)], system: Self.instructions)
        var failures = 0
        while true {
            do {
                return try await answer(to: request)
            } catch let error as ModelError {
                failures += 1
                guard let delay = retry.delay(after: error, failures: failures, random: .random(in: 0..<1)) else {
                    throw error
                }
                try await Task.sleep(for: delay)
            }
        }
    }

    private func answer(to request: ModelRequest) async throws -> String {
        let text = Mutex("")
        _ = try await model.generate(request) { chunk in
            if case .textDelta(let delta) = chunk { text.withLock { $0 += delta.delta } }
        }
        let summary = text.withLock { $0 }.trimmed
        // An empty summary would have the assistant forget everything.
        guard !summary.isEmpty else { throw ModelError(.invalidRequest, "the model gave an empty summary") }
        return summary
    }
}
