import ChatAgent
import Conversation
import LanguageModels

extension MockWorker {
    /// The agent's code is about to be called.
    ///
    /// A turn host lets an agent begin while its run is being put on record. Here the agent begins when it is, so that
    /// every test of the same agent goes the same way.
    /// - Throws: `CancellationError` if the worker is dead, or its run was refused: the agent is not to be called.
    func enter(_ hook: Hook, _ identity: TurnIdentity) async throws {
        if hook != .onTurnComplete {
            try await stage.wait(for: "The beginning of run \(identity.runID)", within: nil) { [number] in
                $0.workers[number].isDead || $0.workers[number].hasBegun(identity)
            }
        }
        await untilItGoesOn()
        guard note(hook, identity) else { throw CancellationError() }
    }

    /// Notes that the agent's code is called.
    /// - Returns: whether it is to be: a dead worker calls nothing.
    func note(_ hook: Hook, _ identity: TurnIdentity?) -> Bool {
        stage.change { state in
            guard !state.workers[number].isDead else { return false }
            state.hookCalls.append(
                HookCall(hook: hook, turn: identity?.turn, run: identity?.run, worker: number + 1))
            return true
        }
    }

    /// Calls code of the agent's, so that what models are asked there is noted.
    func run<Result: Sendable>(for identity: TurnIdentity, _ body: () async throws -> Result) async throws -> Result {
        defer { if identity.lifecycle.needsUpgrade { stage.change { $0.workers[number].leaves = true } } }
        return try await PromptSink.$current.withValue(PromptSink(worker: self, identity: identity)) {
            try await body()
        }
    }

    /// The tool as a worker calls it that waits where it is told to, and does nothing once it is dead.
    func observed(_ tool: Tool) -> Tool {
        var observed = tool
        if case .local(let body) = tool.execution {
            observed.execution = .local { call in
                try await self.live()
                return try await body(call)
            }
        }
        if case .when(let decide) = tool.approval {
            observed.approval = .when { call in
                try await self.live()
                return try await decide(call)
            }
        }
        if case .reconcile(let reconcile) = tool.doubt {
            observed.doubt = .reconcile { call in
                try await self.live()
                return try await reconcile(call)
            }
        }
        return observed
    }

    private func live() async throws {
        await untilItGoesOn()
        if isDead { throw CancellationError() }
    }

    /// A run is on record.
    func began(turn: Int, run: Int) {
        stage.change { $0.workers[number].begun = (turn, run) }
    }

    /// A settlement is written; if it is that of a turn, the agent is still to hear of it.
    func settled(turn: Int?, offset: Int64) {
        stage.change { state in
            // The run of what is no turn leaves its number to the next turn.
            state.workers[number].begun = nil
            if turn != nil { state.workers[number].owed = offset }
        }
    }

    /// Whether a turn is settled whose end the agent has not seen.
    var owesAnything: Bool { stage.read { $0.workers[number].owed != nil } }

    /// Whether a model is being asked, so that whoever sleeps by the worker's clock waits for nothing else.
    var isAsking: Bool { stage.read { $0.workers[number].isAsking } }

    /// The turn begins to ask a model, or comes to what is no question to one.
    func asks(_ isAsking: Bool) {
        stage.change { $0.workers[number].isAsking = isAsking }
    }

    /// Notes what a model is asked, if it is asked by a worker that lives.
    func note(_ request: ModelRequest, _ identity: TurnIdentity) {
        stage.change { state in
            guard !state.workers[number].isDead else { return }
            state.prompts.append(.init(identity, request))
        }
    }
}

extension StageState.Worker {
    /// Whether the run is on record.
    func hasBegun(_ identity: TurnIdentity) -> Bool {
        begun.map { ($0.turn, $0.run) == (identity.turn, identity.run) } ?? false
    }
}

extension StageState.Prompt {
    init(_ identity: TurnIdentity, _ request: ModelRequest) {
        let turn: Int? =
            switch identity.trigger {
            case .message, .toolAnswer, .regenerate: identity.turn
            case .action, .preload: nil
            }
        self.init(turn: turn, requestID: identity.requestID, request: request)
    }
}
