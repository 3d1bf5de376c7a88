import ChatAgent
import Conversation

/// The user's agent, with each call of it noted, and none made by a worker that is dead.
struct ObservedAgent: ChatAgent {
    let agent: any ChatAgent
    let worker: MockWorker

    var name: String { agent.name }
    var onBusy: BusyPolicy { agent.onBusy }
    var ownsHistory: Bool { agent.ownsHistory }
    var dataSchema: JSONSchema? { agent.dataSchema }
    var actionSchema: JSONSchema? { agent.actionSchema }
    var maximumTurns: Int? { agent.maximumTurns }

    var compaction: CompactionPolicy? {
        guard var policy = agent.compaction else { return nil }
        let summarize = policy.summarize
        policy.summarize = { [worker] messages, identity in
            try await worker.run(for: identity) { try await summarize(messages, identity) }
        }
        return policy
    }

    func tools(for turn: TurnIdentity) async throws -> ToolSet {
        let set = try await observe(.tools, turn) { try await agent.tools(for: turn) }
        return ToolSet(
            set.tools.map(worker.observed), undeclared: set.undeclared, maximumConcurrency: set.maximumConcurrency)
    }

    func onBoot(_ event: BootEvent) async throws {
        try await observe(.onBoot, event.identity) { try await agent.onBoot(event) }
    }

    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? {
        try await observe(.onRecoveryBoot, event.identity) { try await agent.onRecoveryBoot(event) }
    }

    func onPreload(_ event: PreloadEvent) async throws {
        try await observe(.onPreload, event.identity) { try await agent.onPreload(event) }
    }

    func onValidateMessages(_ event: ValidationEvent) async throws -> Message {
        try await observe(.onValidateMessages, event.identity) { try await agent.onValidateMessages(event) }
    }

    func hydrateMessages(_ event: HydrationEvent) async throws -> [Message] {
        try await observe(.hydrateMessages, event.identity) { try await agent.hydrateMessages(event) }
    }

    func onChatStart(_ event: ChatStartEvent) async throws {
        try await observe(.onChatStart, event.identity) { try await agent.onChatStart(event) }
    }

    func onTurnStart(_ event: TurnStartEvent) async throws {
        try await observe(.onTurnStart, event.identity) { try await agent.onTurnStart(event) }
    }

    func prepareMessages(_ event: PromptEvent) async throws -> [Message] {
        let messages = try await observe(.prepareMessages, event.identity) { try await agent.prepareMessages(event) }
        worker.asks(true)
        return messages
    }

    func run(_ turn: Turn) async throws {
        defer { worker.asks(false) }
        try await observe(.run, turn.identity) { try await agent.run(turn) }
    }

    func shouldInject(_ event: SteeringEvent) async throws -> Bool {
        try await observe(.shouldInject, event.identity) { try await agent.shouldInject(event) }
    }

    func onCompacted(_ event: CompactionEvent) async throws {
        try await observe(.onCompacted, event.identity) { try await agent.onCompacted(event) }
    }

    func onBeforeTurnComplete(_ event: TurnEndEvent) async throws {
        try await observe(.onBeforeTurnComplete, event.identity) { try await agent.onBeforeTurnComplete(event) }
    }

    func onTurnComplete(_ event: TurnCompleteEvent) async throws {
        try await observe(.onTurnComplete, event.identity) { try await agent.onTurnComplete(event) }
    }

    func onAction(_ event: ActionEvent) async throws {
        try await observe(.onAction, event.identity) { try await agent.onAction(event) }
    }

    func onLoad(_ event: LoadEvent) async throws {
        try await observe(.onLoad, event.identity) { try await agent.onLoad(event) }
    }

    func onEvict(_ event: EvictionEvent) async {
        if worker.note(.onEvict, nil) { await agent.onEvict(event) }
    }

    private func observe<Result: Sendable>(
        _ hook: Hook, _ identity: TurnIdentity, _ body: () async throws -> Result
    ) async throws -> Result {
        try await worker.enter(hook, identity)
        return try await worker.run(for: identity, body)
    }
}
