import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore

extension TurnExecutor {
    /// Tells the events what the settlement to come changes beyond what they say already, if that is anything, so that a
    /// store can be built again from the topics alone.
    /// - Parameters:
    ///   - chain: the history, if it is not what the request and the answer amount to.
    ///   - state: what the agent keeps from now on besides the messages; `nil` if that is as it was.
    ///   - joined: messages behind the request's own that joined its turn.
    ///   - replacesDead: whether a dead run of something that is no turn has told of changes that were not settled.
    func writeCheckpoint(
        _ work: RequestInHand, _ chain: Chain?, _ state: [UInt8]?, _ joined: [WaitingMessage] = [],
        replacesDead: Bool = false, to writer: EventWriter
    ) {
        let chain = environment.loop.ownsHistory ? nil : chain
        guard chain != nil || state != nil || replacesDead else { return }
        let control = ControlRecord.checkpoint(CheckpointRecord(chain, state, joined))
        guard fits(control.serialized().count, work) else { return }
        writer.write(control)
    }

    /// Tells the events what was changed of a session after its turn was settled, if that is anything, and waits for the
    /// broker's acknowledgement.
    /// - Parameter checkpoint: how the store had it changed.
    func tellAmendment(_ work: RequestInHand, _ checkpoint: CheckpointRecord) async throws {
        let amendment = AmendmentRecord(
            session: work.dispatch.session, turn: max(work.memory.turns - 1, 0), nextSeq: work.memory.nextSeq,
            checkpoint: checkpoint)
        let record = amendment.made(topic: environment.options.eventsTopic, partition: work.dispatch.record.partition)
        guard fits(record.headers.reduce(0) { $0 + ($1.value?.count ?? 0) }, work) else { return }
        try await environment.append(record)
    }

    private func fits(_ size: Int, _ work: RequestInHand) -> Bool {
        if size <= environment.options.maximumEventBytes { return true }
        environment.logger.warning(
            "What the agent changed does not fit into an event: only the session store has it.",
            metadata: [
                "gen_ai.conversation.id": "\(work.dispatch.session)", "offset": "\(work.position.offset)",
                "bytes": "\(size)",
            ])
        return false
    }
}

extension CheckpointRecord {
    /// - Parameters:
    ///   - chain: the history, if it was changed.
    ///   - state: what the agent keeps besides, if that was changed.
    ///   - joined: messages behind the request's own that joined its turn.
    init(_ chain: Chain?, _ state: [UInt8]?, _ joined: [WaitingMessage] = []) {
        self.init(history: chain.map(History.init), ahead: joined.map(\.requestOffset))
        // The store does not look into it, but it is JSON.
        self.state = state.map { $0.isEmpty ? .null : (try? JSON(parsing: $0)) ?? .null }
    }

    /// The state as the store has it; `nil` if it is as it was.
    var storedState: [UInt8]? { state.map { $0.isNull ? [] : $0.serialized() } }
}

extension CheckpointRecord.History {
    /// How the chain differs from what is stored of it.
    init(_ chain: Chain) {
        let change = chain.change
        self.init(
            keep: change.keep,
            replaced: Dictionary(uniqueKeysWithValues: change.replaced.map { ($0, chain.messages[$0]) }),
            appended: Array(chain.messages[change.appendedFrom...]))
    }
}
