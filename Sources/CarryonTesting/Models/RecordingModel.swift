public import Conversation
public import LanguageModels
import Synchronization

/// A language model whose prompts can be read afterwards: here, and in ``MockChatAgent/prompts`` of whatever test asked
/// it. It answers as the model does that it wraps.
public final class RecordingModel: LanguageModel {
    private let model: any LanguageModel
    private let noted = Mutex<[ModelRequest]>([])

    /// Wraps `model`.
    public init(_ model: any LanguageModel) {
        self.model = model
    }

    public var name: String { model.name }

    /// Everything that the model was asked, in order, whoever asked.
    public var requests: [ModelRequest] { noted.withLock { $0 } }

    public func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        noted.withLock { $0.append(request) }
        PromptSink.current?.note(request)
        return try await model.generate(request, emit: emit)
    }
}
