import CarryonService
import Conversation
import LanguageModels
import Synchronization
import Testing

@Suite("Summaries by a model")
struct SummarizerTests {
    /// Says its texts one call after the other; `nil` is an overloaded provider.
    private final class FakeModel: LanguageModel {
        let name = "fake"
        private let texts: Mutex<[String?]>
        private let asked = Mutex<[ModelRequest]>([])

        init(_ texts: [String?]) { self.texts = Mutex(texts) }

        var requests: [ModelRequest] { asked.withLock { $0 } }

        func generate(
            _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
        ) async throws -> ModelResponse {
            asked.withLock { $0.append(request) }
            let text = texts.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            try await emit(.textStart(id: "t"))
            for word in (text ?? "cut").split(separator: " ", omittingEmptySubsequences: false) {
                try await emit(.textDelta(id: "t", delta: "\(word) "))
            }
            guard text != nil else { throw ModelError(.overloaded, "no capacity") }
            return ModelResponse(finishReason: .stop)
        }
    }

    private let retry = RetryPolicy(attempts: 2, firstDelay: .zero)

    @Test("The model is given the messages and asked for a summary of them")
    func summary() async throws {
        let model = FakeModel(["They like plums."])
        let messages: [Message] = [.user(id: "1", text: "I like plums.")]
        let summary = try await Summarizer(model: model, retry: retry).summary(of: messages)
        #expect(summary == "They like plums.")
        let request = try #require(model.requests.first)
        #expect(request.messages.first == messages[0])
        #expect(request.messages.count == 2)
        #expect(request.messages.last?.role == .user)
        #expect(request.system?.isEmpty == false)
    }

    @Test("After a failure it is asked again from the beginning, as often as the agent's policy says")
    func retries() async throws {
        let model = FakeModel([nil, "Plums."])
        #expect(try await Summarizer(model: model, retry: retry).summary(of: []) == "Plums.")
        #expect(model.requests.count == 2)
        let failing = FakeModel([])
        let error = await #expect(throws: ModelError.self) {
            try await Summarizer(model: failing, retry: retry).summary(of: [])
        }
        #expect(error?.code == .overloaded)
        #expect(failing.requests.count == 2)
    }

    @Test("A summary that says nothing is an error, lest everything be forgotten")
    func empty() async {
        let model = FakeModel(["  "])
        await #expect(throws: ModelError.self) {
            try await Summarizer(model: model, retry: retry).summary(of: [.user(id: "1", text: "a")])
        }
        #expect(model.requests.count == 1)
    }
}
