import ChatAgent
import LanguageModels

extension MockWorker {
    /// The agent's code is about to be called.
    ///
    /// A turn host lets an agent begin while its run is being put on record. Here the agent begins when it is, so that
    /// every test of the same agent goes the same way.
    /// - Throws: `CancellationError` if the worker is dead, or its run was refused: the agent is not to be called.
    func enter(_ hook: Hook, _ identity: TurnIdentity) async throws {
        try await stage.wait(for: "The beginning of run \(identity.runID)", within: nil) { [number] in
            $0.workers[number].isDead || $0.workers[number].hasBegun(identity)
        }
        let isCalled = stage.change { state in
            guard !state.workers[number].isDead else { return false }
            state.hookCalls.append(
                HookCall(hook: hook, turn: identity.turn, run: identity.run, worker: number + 1))
            return true
        }
        if !isCalled { throw CancellationError() }
    }

    /// A run is on record.
    func began(turn: Int, run: Int) {
        stage.change { $0.workers[number].begun = (turn, run) }
    }

    /// A turn is settled, and its agent is still to hear of it.
    func owes(turn: Int, offset: Int64) {
        stage.change { $0.workers[number].owed[turn] = offset }
    }

    /// The agent has heard of its turn's settlement.
    func paid(turn: Int) {
        stage.change { state in _ = state.workers[number].owed.removeValue(forKey: turn) }
    }

    /// Notes what a model is asked, if it is asked by a worker that lives.
    func note(_ request: ModelRequest, _ identity: TurnIdentity) {
        stage.change { state in
            guard !state.workers[number].isDead else { return }
            state.prompts.append(.init(turn: identity.turn, run: identity.run, request: request))
        }
    }
}

extension StageState.Worker {
    /// Whether the run is on record.
    func hasBegun(_ identity: TurnIdentity) -> Bool {
        begun.map { ($0.turn, $0.run) == (identity.turn, identity.run) } ?? false
    }
}
