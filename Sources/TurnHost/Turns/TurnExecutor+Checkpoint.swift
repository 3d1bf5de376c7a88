import ChatAgent
import Conversation
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
        var checkpoint = CheckpointRecord(
            history: chain.map(CheckpointRecord.History.init), ahead: joined.map(\.requestOffset))
        // The store does not look into it, but it is JSON.
        checkpoint.state = state.map { $0.isEmpty ? .null : (try? JSON(parsing: $0)) ?? .null }
        let control = ControlRecord.checkpoint(checkpoint)
        let size = control.serialized().count
        guard size <= environment.options.maximumEventBytes else {
            return environment.logger.warning(
                "What the agent changed does not fit into an event: only the session store has it.",
                metadata: [
                    "session": "\(work.dispatch.session)", "offset": "\(work.position.offset)", "bytes": "\(size)",
                ])
        }
        writer.write(control)
    }
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
