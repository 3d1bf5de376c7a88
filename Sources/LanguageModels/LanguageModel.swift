public import Conversation

/// A language model that streams the answer to a prompt.
///
/// One value serves any number of turns at once. An implementation pushes its output through the `emit` closure, chunk
/// by chunk and in order: there is no stream object between the model and the turn, so that a fast model costs no
/// task and no buffer, and a slow reader holds the model back by suspending in `emit`.
public protocol LanguageModel: Sendable {
    /// The model's name as it is reported in runs and spans, for instance `scripted`.
    var name: String { get }

    /// Streams the answer to `request`.
    ///
    /// The chunks are those of one model step between `start-step` and `finish-step`, which the turn writes itself:
    /// `text-*`, `reasoning-*`, `tool-input-*`, `source-*`, `file`, `data-*`. Ids of text and reasoning parts are
    /// unique within the call; the turn renames them where they would meet those of an earlier step.
    ///
    /// If ``ModelRequest/continuation`` is present, the prompt ends in that unfinished answer and the model emits only
    /// what comes after it. A first part of the same kind as the answer's open last part goes on in that part. An answer
    /// that ends in settled calls of tools is gone on with in a new step.
    ///
    /// - Parameters:
    ///   - request: the prompt and what is known of the turn.
    ///   - emit: takes the next chunk; suspends while the output is full, and throws when the turn has ended.
    /// - Returns: why the model ended, and what it cost.
    /// - Throws: ``ModelError`` for a failure of the provider; `CancellationError` when the turn was stopped. An
    ///   implementation lets go of its connection before it throws.
    func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse
}

/// What a model is asked.
public struct ModelRequest: Sendable {
    /// Instructions that come before the conversation, if any.
    public var system: String?
    /// The conversation, oldest first, repaired so that a model can be given it. Without ``continuation``.
    public var messages: [Message]
    /// An unfinished answer to the last of ``messages``, to be gone on with. `nil` for a fresh answer.
    public var continuation: Message?
    /// What the model may call.
    public var tools: [ToolDefinition]
    /// 1 for a turn's first run, one more for each that took over from a dead one.
    public var run: Int

    /// Makes a request.
    public init(
        messages: [Message], system: String? = nil, continuation: Message? = nil, tools: [ToolDefinition] = [],
        run: Int = 1
    ) {
        self.system = system
        self.messages = messages
        self.continuation = continuation
        self.tools = tools
        self.run = run
    }
}

/// What a model is told of a tool.
public struct ToolDefinition: Sendable, Hashable {
    /// The name to call it by.
    public var name: String
    /// What it does.
    public var description: String
    /// A JSON Schema of its input.
    public var inputSchema: JSON

    /// Makes a definition.
    public init(name: String, description: String, inputSchema: JSON) {
        self.name = name
        self.description = description
        self.inputSchema = inputSchema
    }
}

/// How a model's answer ended.
public struct ModelResponse: Sendable, Hashable {
    /// Why the model stopped.
    public var finishReason: FinishReason
    /// What the call cost, as far as the provider says.
    public var usage: Usage?

    /// Makes a response.
    public init(finishReason: FinishReason, usage: Usage? = nil) {
        self.finishReason = finishReason
        self.usage = usage
    }
}
