import ChatAgent

/// The user's agent, with each call of it noted, and none made by a worker that is dead.
struct ObservedAgent: ChatAgent {
    let agent: any ChatAgent
    let worker: MockWorker

    var name: String { agent.name }

    func onBoot(_ event: BootEvent) async throws {
        try await worker.enter(.onBoot, event.identity)
        try await agent.onBoot(event)
    }

    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? {
        try await worker.enter(.onRecoveryBoot, event.identity)
        return try await agent.onRecoveryBoot(event)
    }

    func onTurnStart(_ event: TurnStartEvent) async throws {
        try await worker.enter(.onTurnStart, event.identity)
        try await agent.onTurnStart(event)
    }

    func run(_ turn: Turn) async throws {
        try await worker.enter(.run, turn.identity)
        try await PromptSink.$current.withValue(PromptSink(worker: worker, identity: turn.identity)) {
            try await agent.run(turn)
        }
    }

    func onTurnComplete(_ event: TurnCompleteEvent) async throws {
        defer { worker.paid(turn: event.identity.turn) }
        try await worker.enter(.onTurnComplete, event.identity)
        try await agent.onTurnComplete(event)
    }
}
