import ChatAgent
import Conversation
import LanguageModels

/// An agent that writes everything down, and whose hooks are the test's.
struct RecordingAgent: ChatAgent {
    let name = "recording"
    var journal = Journal()
    var model: any LanguageModel = ScriptedModel()
    var onBooting: @Sendable (BootEvent) async throws -> Void = { _ in }
    var onRecovery: @Sendable (RecoveryBootEvent) async throws -> RecoveryBootResult? = { _ in nil }
    var onStart: @Sendable (TurnStartEvent) async throws -> Void = { _ in }
    var onComplete: @Sendable (TurnCompleteEvent) async throws -> Void = { _ in }
    /// In place of the model's answer.
    var answer: (@Sendable (Turn) async throws -> Void)?

    func onBoot(_ event: BootEvent) async throws {
        journal.add(.boot(event))
        try await onBooting(event)
    }

    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? {
        journal.add(.recovery(event))
        return try await onRecovery(event)
    }

    func onTurnStart(_ event: TurnStartEvent) async throws {
        journal.add(.start(event))
        try await onStart(event)
    }

    func run(_ turn: Turn) async throws {
        guard let answer else {
            try await turn.respond(with: JournaledModel(model: model, journal: journal, identity: turn.identity))
            return
        }
        let request = ModelRequest(messages: turn.messages, run: turn.identity.run)
        journal.add(.prompt(session: turn.identity.session, turn: turn.identity.turn, request))
        try await answer(turn)
    }

    func onTurnComplete(_ event: TurnCompleteEvent) async throws {
        journal.add(.complete(event))
        try await onComplete(event)
    }
}

/// A model whose calls are written down.
struct JournaledModel: LanguageModel {
    let model: any LanguageModel
    let journal: Journal
    let identity: TurnIdentity

    var name: String { model.name }

    func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        journal.add(.prompt(session: identity.session, turn: identity.turn, request))
        return try await model.generate(request, emit: emit)
    }
}
