import ChatAgent
import Conversation
import LanguageModels

/// An agent with tools, that writes down what it was told and asked.
struct ToolAgent: ChatAgent {
    let name = "tools"
    var journal = Journal()
    var tools: ToolSet
    var model: any LanguageModel = CallingModel()
    var maximumSteps = 20
    var retry = RetryPolicy.standard
    var onBusy = BusyPolicy.queue
    var ownsHistory = false
    var onRecovery: @Sendable (RecoveryBootEvent) async throws -> RecoveryBootResult? = { _ in nil }
    var onValidating: @Sendable (ValidationEvent) async throws -> Message = { $0.message }
    var onHydrating: @Sendable (HydrationEvent) async throws -> [Message] = { $0.previousMessages }
    var onStart: @Sendable (TurnStartEvent) async throws -> Void = { _ in }

    func tools(for turn: TurnIdentity) async throws -> ToolSet {
        journal.add(.note("tools \(turn.turn)"))
        return tools
    }

    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? {
        journal.add(.recovery(event))
        return try await onRecovery(event)
    }

    func onValidateMessages(_ event: ValidationEvent) async throws -> Message { try await onValidating(event) }

    func hydrateMessages(_ event: HydrationEvent) async throws -> [Message] { try await onHydrating(event) }

    func onTurnStart(_ event: TurnStartEvent) async throws {
        journal.add(.start(event))
        try await onStart(event)
    }

    func run(_ turn: Turn) async throws {
        let model = JournaledModel(model: model, journal: journal, identity: turn.identity)
        try await turn.respond(with: model, maximumSteps: maximumSteps, retry: retry)
    }

    func onTurnComplete(_ event: TurnCompleteEvent) async throws { journal.add(.complete(event)) }
}
