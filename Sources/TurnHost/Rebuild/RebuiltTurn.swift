import ChatAgent
import Conversation
import SessionStore

/// What a settled turn changed, worked out from its request and its events as the turn itself had worked it out.
struct RebuiltTurn {
    var history: HistoryChange
    /// The history after it.
    var chain: Chain
    var state: [UInt8]?
    /// Offsets of requests that took effect with it.
    var ahead: [Int64]
    /// Whether a hook's change of the history is left out, because that is not the one that it changed.
    var isMisfit = false
}

extension TurnLoop {
    /// Works out what a settled turn changed, without calling the agent.
    /// - Parameters:
    ///   - request: the turn's request, without its session's history; `nil` if it is not known any more, and neither is
    ///     what it asked.
    ///   - chain: the history before the turn.
    func rebuilt(
        _ folded: FoldedRequest, _ complete: TurnComplete, _ request: RequestInHand?, on chain: consuming Chain
    ) async -> RebuiltTurn {
        let turn = complete.turn
        let checkpoint = folded.checkpoint.flatMap { value -> CheckpointRecord? in
            guard let json = try? JSON(parsing: value),
                case .checkpoint(let record) = try? ControlRecord(subtype: "checkpoint", value: json)
            else { return nil }
            return record
        }
        let state = checkpoint?.storedState
        let history = ownsHistory ? nil : checkpoint?.history
        if let history, history.fits(chain) {
            return RebuiltTurn(
                history: history.change(turn: turn), chain: chain.applying(history), state: state,
                ahead: checkpoint?.ahead ?? [])
        }
        let (after, ahead) = await effect(folded, complete, request, on: consume chain)
        if ownsHistory { return RebuiltTurn(history: HistoryChange(), chain: Chain(), state: state, ahead: ahead) }
        return RebuiltTurn(
            history: after.historyChange(turn: turn), chain: after, state: state, ahead: ahead, isMisfit: history != nil
        )
    }

    /// The history with the request, what joined its turn, and what became of the answer on top; and the offsets of what
    /// joined.
    private func effect(
        _ folded: FoldedRequest, _ complete: TurnComplete, _ request: RequestInHand?, on chain: consuming Chain
    ) async -> (Chain, ahead: [Int64]) {
        guard var work = request else {
            let answer = assembled(folded, base: nil).message
            let kept = ResponseStream.settled(answer, isComplete: complete.outcome == .completed)
            if let kept { chain.merge(kept) }
            return (chain, [])
        }
        work.memory.chain = consume chain
        var (plan, assembler) = recall(folded, complete, &work)
        var before = Chain()
        swap(&before, &work.memory.chain)
        plan.course = .settle(assembler, .ended(complete.outcome == .completed ? .finished : .aborted))
        plan.injected = assembler.message.injectedMessages(from: plan.baseCount)
        let ahead = plan.injected.map(\.requestOffset)
        let effect = await settle(plan, on: consume before, output: NoOutput(), control: TurnControl())
        return (effect.chain, ahead)
    }

    /// A settled turn with the conversation that it answered.
    /// - Parameter request: the turn's request, with the session as it was before.
    func recorded(_ folded: FoldedRequest, _ complete: TurnComplete, _ request: RequestInHand) -> RecordedTurn {
        var work = request
        let (plan, assembler) = recall(folded, complete, &work)
        return RecordedTurn(folded, complete, request, assembler.message, baseCount: plan.baseCount)
    }

    /// What the turn was to do, and its answer as its readers had it.
    private func recall(
        _ folded: FoldedRequest, _ complete: TurnComplete, _ work: inout RequestInHand
    ) -> (TurnPlan, MessageAssembler) {
        work.takeBackGivenUpTurn()
        var plan = work.plan(
            work.identity(run: folded.closing?.run ?? 1, lifecycle: TurnLifecycle()),
            work.place(messageID: complete.messageID ?? ""))
        plan.trigger = plan.trigger.asTakenUp
        plan.validates = false
        var base: Message?
        if case .answer(let wire, let id) = plan.trigger, let index = work.memory.chain.index(of: id) {
            let stored = work.memory.chain.messages[index]
            base = stored.advanced(by: wire) ?? stored
        }
        plan.baseCount = base?.parts.count ?? 0
        return (plan, assembled(folded, base: base))
    }

    private func assembled(_ folded: FoldedRequest, base: Message?) -> MessageAssembler {
        var assembler = MessageAssembler(continuing: base)
        for (seq, value) in folded.chunks {
            // A chunk that can't be read or does not fit was nothing to a reader either.
            guard let chunk = try? Chunk(parsing: value) else { continue }
            try? assembler.apply(chunk, seq: seq)
        }
        return assembler
    }
}

extension CheckpointRecord.History {
    /// The change as the store takes it.
    func change(turn: Int) -> HistoryChange {
        HistoryChange(
            keep: keep, replace: replaced.map { ($0.key, StoredMessage($0.value, turn: turn)) },
            append: appended.map { StoredMessage($0, turn: turn) })
    }

    /// Whether it is a change of that history.
    func fits(_ chain: Chain) -> Bool {
        keep <= chain.count
            && replaced.allSatisfy {
                (0..<min(keep, chain.count)).contains($0.key) && chain.messages[$0.key].id == $0.value.id
            }
    }
}

extension Chain {
    func applying(_ change: CheckpointRecord.History) -> Chain {
        var messages = Array(messages.prefix(change.keep))
        for (index, message) in change.replaced where messages.indices.contains(index) { messages[index] = message }
        return Chain(stored: messages + change.appended)
    }
}

extension TurnPlan.Trigger {
    fileprivate var asTakenUp: TurnPlan.Trigger {
        switch self {
        case .message(let message): .message(message.asTakenUp)
        case .answer(let wire, let base): .answer(wire.asTakenUp, base: base)
        case .regenerate: .regenerate
        }
    }
}

extension StoredMessage {
    init(_ message: Message, turn: Int) {
        self.init(id: message.id, role: message.role.rawValue, turn: turn, body: message.serialized())
    }
}

/// Where the chunks of a turn go that is only settled: nobody reads them.
private struct NoOutput: TurnOutput {
    func write(_ chunk: Chunk) {}
    func check(_ chunk: Chunk) {}
    func write(_ control: ControlRecord) {}
    var isCongested: Bool { false }
    func waitUntilWritable() async {}
}
