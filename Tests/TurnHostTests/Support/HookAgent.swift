import ChatAgent
import Conversation
import LanguageModels

/// An agent whose every hook is written down and can do as a test wants.
struct HookAgent: ChatAgent {
    let name = "hooks"
    let journal = HookJournal()
    var onBusy: BusyPolicy = .queue
    var compaction: CompactionPolicy?
    var ownsHistory = false
    var dataSchema: JSONSchema?
    var actionSchema: JSONSchema?
    var maximumTurns: Int?
    var model: any LanguageModel = ScriptedModel()
    var toolSet: ToolSet = ToolSet([], undeclared: .isExternal)
    /// Called in every hook, before what it does.
    var inEvery: @Sendable (Hook, TurnIdentity) async throws -> Void = { _, _ in }
    var validating: @Sendable (ValidationEvent) async throws -> Message = { $0.message }
    var hydrating: @Sendable (HydrationEvent) async throws -> [Message] = { $0.previousMessages }
    var booting: @Sendable (BootEvent) async throws -> Void = { _ in }
    var preloading: @Sendable (PreloadEvent) async throws -> Void = { _ in }
    var recovering: @Sendable (RecoveryBootEvent) async throws -> RecoveryBootResult? = { _ in nil }
    var starting: @Sendable (TurnStartEvent) async throws -> Void = { _ in }
    var startingChat: @Sendable (ChatStartEvent) async throws -> Void = { _ in }
    var preparing: @Sendable (PromptEvent) async throws -> [Message] = { $0.messages }
    var injecting: @Sendable (SteeringEvent) async throws -> Bool = { _ in true }
    var compacted: @Sendable (CompactionEvent) async throws -> Void = { _ in }
    var ending: @Sendable (TurnEndEvent) async throws -> Void = { _ in }
    var completing: @Sendable (TurnCompleteEvent) async throws -> Void = { _ in }
    /// Called after the answer, or in place of it.
    var running: @Sendable (Turn, HookAgent) async throws -> Void = { try await $1.respond($0) }
    var acting: (@Sendable (ActionEvent) async throws -> Void)?

    enum Hook: String, Sendable, CaseIterable {
        case load, recovery, boot, tools, preload, validate, hydrate
        case chatStart = "chat start"
        case turnStart = "turn start"
        case prepare, run, inject, compacted
        case beforeComplete = "before complete"
        case complete, action, evict
    }

    /// The model's answer, its calls on record.
    func respond(_ turn: Turn) async throws {
        try await turn.respond(with: PromptedModel(model: model, journal: journal), retry: .none)
    }

    private func note(_ hook: Hook, _ identity: TurnIdentity) async throws {
        journal.add(hook, identity)
        try await inEvery(hook, identity)
    }

    func tools(for turn: TurnIdentity) async throws -> ToolSet {
        try await note(.tools, turn)
        return toolSet
    }

    func onBoot(_ event: BootEvent) async throws {
        try await note(.boot, event.identity)
        try await booting(event)
    }

    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? {
        try await note(.recovery, event.identity)
        return try await recovering(event)
    }

    func onPreload(_ event: PreloadEvent) async throws {
        try await note(.preload, event.identity)
        try await preloading(event)
    }

    func onValidateMessages(_ event: ValidationEvent) async throws -> Message {
        try await note(.validate, event.identity)
        return try await validating(event)
    }

    func hydrateMessages(_ event: HydrationEvent) async throws -> [Message] {
        try await note(.hydrate, event.identity)
        return try await hydrating(event)
    }

    func onChatStart(_ event: ChatStartEvent) async throws {
        try await note(.chatStart, event.identity)
        try await startingChat(event)
    }

    func onTurnStart(_ event: TurnStartEvent) async throws {
        try await note(.turnStart, event.identity)
        try await starting(event)
    }

    func prepareMessages(_ event: PromptEvent) async throws -> [Message] {
        try await note(.prepare, event.identity)
        return try await preparing(event)
    }

    func run(_ turn: Turn) async throws {
        try await note(.run, turn.identity)
        try await running(turn, self)
    }

    func shouldInject(_ event: SteeringEvent) async throws -> Bool {
        try await note(.inject, event.identity)
        return try await injecting(event)
    }

    func onCompacted(_ event: CompactionEvent) async throws {
        try await note(.compacted, event.identity)
        try await compacted(event)
    }

    func onBeforeTurnComplete(_ event: TurnEndEvent) async throws {
        try await note(.beforeComplete, event.identity)
        try await ending(event)
    }

    func onTurnComplete(_ event: TurnCompleteEvent) async throws {
        journal.add(event)
        try await note(.complete, event.identity)
        try await completing(event)
    }

    func onAction(_ event: ActionEvent) async throws {
        try await note(.action, event.identity)
        guard let acting else { throw MissingActionHandler() }
        try await acting(event)
    }

    func onLoad(_ event: LoadEvent) async throws { try await note(.load, event.identity) }

    func onEvict(_ event: EvictionEvent) async { journal.addEviction(event.session) }
}

/// A model whose prompts are written down.
struct PromptedModel: LanguageModel {
    let model: any LanguageModel
    let journal: HookJournal

    var name: String { model.name }

    func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        journal.add(request)
        return try await model.generate(request, emit: emit)
    }
}

/// A model that says in one word what it was asked.
struct WordModel: LanguageModel {
    let name = "word"
    var word: @Sendable (ModelRequest) -> String

    func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        try await emit(.textStart(id: "w"))
        try await emit(.textDelta(id: "w", delta: word(request)))
        try await emit(.textEnd(id: "w"))
        return ModelResponse(finishReason: .stop, usage: Usage(inputTokens: 1, outputTokens: 1, totalTokens: 2))
    }
}
