import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore
import Synchronization

/// Writes to a store what the topics say of one partition's sessions, as their turns had settled it. No model and no
/// agent is asked. What the store has already is passed over, so that an interrupted rebuild can be begun again.
///
/// Different sessions may be written side by side; of one session, one step after the other.
package final class SessionRebuilder: Sendable {
    /// Somebody else writes the partition's sessions.
    package struct Disturbed: Error, CustomStringConvertible {
        package var session: String
        package var reason: String

        package var code: String { "rebuild_disturbed" }
        package var description: String {
            "the session '\(session)' was changed by somebody else meanwhile (\(reason)); stop every worker, and begin again"
        }
    }

    /// So many bytes of sessions are kept at hand.
    private static let shelfBytes = 16 * 1024 * 1024
    /// Runs in the rebuilt store are no living host's.
    private static let host = "rebuilt"

    private let grant: Grant
    private let store: any SessionStore
    private let loop: TurnLoop
    private let logger: Logger
    private let onTurn: (@Sendable (RecordedTurn) async throws -> Void)?
    private let shelf = Mutex(SessionShelf(maximumBytes: shelfBytes))
    private let counts = Mutex(RebuildReport())
    /// Why sessions can't be built again as they were: the first reason of each.
    private let gaps = Mutex<[String: String]>([:])

    init(
        _ partition: PartitionGrant, store: any SessionStore, loop: TurnLoop, logger: Logger,
        onTurn: (@Sendable (RecordedTurn) async throws -> Void)? = nil
    ) {
        grant = Grant(partition, preparation: Task { Grant.Preparation(openRuns: [:]) }, onYielded: {})
        self.store = store
        self.loop = loop
        self.logger = logger
        self.onTurn = onTurn
    }

    /// What was done so far.
    var report: RebuildReport {
        var report = counts.withLock { $0 }
        report.gaps = gaps.withLock { $0 }.sorted { $0.key < $1.key }
            .map { RebuildReport.Gap(session: $0.key, reason: $0.value) }
        return report
    }

    private func note(_ reason: String, _ session: String) {
        gaps.withLock { gaps in if gaps[session] == nil { gaps[session] = reason } }
    }

    /// Does a session's next steps.
    func rebuild(_ session: String, _ steps: [RebuildStep]) async throws {
        let new = new(of: steps, session)
        guard !new.isEmpty else { return }
        var memory = try await take(session)
        for step in new {
            switch step {
            case .closed(let folded, let request): try await settle(folded, request, &memory)
            case .silent(let request, let nextSeq): try await settleSilently(request, nextSeq, session, &memory)
            case .unclosed(let request): note(request, session, memory)
            case .erased(let time): try await erase(session, at: time, &memory)
            case .rewound(let rewind, let time): try await takeBack(to: rewind, at: time, &memory)
            case .amended(let amendment, let time): try await amend(amendment, at: time, &memory)
            case .open(let folded):
                // Settled by a worker that died before it could say so: the next one does.
                if !memory.hasApplied(position(folded.requestOffset)) { try await begin(folded, &memory) }
            }
        }
        let done = memory
        shelf.withLock { $0.keep(done, session) }
    }

    /// The steps from the first one on that the session may not have.
    private func new(of steps: [RebuildStep], _ session: String) -> ArraySlice<RebuildStep> {
        guard let nextSeq = shelf.withLock({ $0.nextSeq(of: session) }) else { return steps[...] }
        let new = steps.drop {
            if case .closed(let folded, _) = $0, let closing = folded.closing { closing.seq < nextSeq } else { false }
        }
        counts.withLock { $0.alreadyThere += steps.count - new.count }
        return new
    }

    private func take(_ session: String) async throws -> SessionMemory {
        if let known = shelf.withLock({ $0.take(session) }) { return known }
        return try await read(session)
    }

    private func read(_ session: String) async throws -> SessionMemory {
        guard let stored = try await store.loadSession(session) else { return SessionMemory(assignment: 0) }
        let state = (try? AgentState(parsing: stored.state ?? [])) ?? AgentState()
        return SessionMemory(stored, state, assignment: 0) { index, error in
            logger.error(
                "A stored message can't be read and is left out of the history.",
                metadata: ["gen_ai.conversation.id": "\(session)", "index": "\(index)", "error": "\(error)"])
        }
    }

    private func position(_ offset: Int64) -> LogPosition { LogPosition(log: grant.log, offset: offset) }

    private func settle(_ folded: FoldedRequest, _ request: RebuiltRequest?, _ memory: inout SessionMemory) async throws
    {
        guard let closing = folded.closing else { return }
        guard closing.seq >= memory.nextSeq else {
            counts.withLock { $0.alreadyThere += 1 }
            return
        }
        guard let json = try? JSON(parsing: closing.value),
            let control = try? ControlRecord(subtype: closing.control, value: json)
        else {
            return note("its event at seq \(closing.seq) can't be read", folded.session)
        }
        if let request, request.id != folded.requestID {
            let reason = "the request at offset \(folded.requestOffset) is not the one that its events answer"
            return note("\(reason): the topic was made again", folded.session)
        }
        let complete: TurnComplete? = if case .turnComplete(let complete) = control { complete } else { nil }
        if folded.missing >= memory.nextSeq {
            note("its events up to seq \(folded.missing) are gone from the topic", folded.session)
        }
        if let complete {
            if complete.turn > memory.turns {
                note("its turns \(memory.turns) to \(complete.turn - 1) are not in the topics", folded.session)
            }
            if request == nil {
                note("the request at offset \(folded.requestOffset) is gone from the topic", folded.session)
            }
            memory.turns = complete.turn
            if let onTurn, let request {
                try await onTurn(loop.recorded(folded, complete, inHand(request, folded.session, memory)))
            }
            try await begin(folded, &memory)
        }
        let isClose = if case .close = request?.request.kind { true } else { false }
        let isDuplicate = if case .duplicate = control { true } else { false }
        var settlement = base(folded, request, memory, recordsKey: !isDuplicate, at: closing.time)
        settlement.isClosed = memory.isClosed || (isClose && closing.control == "closed")
        settlement.lastControl = StoredEvent(
            seq: closing.seq, turn: folded.turn, run: closing.run, control: closing.control,
            requestID: folded.requestID, requestOffset: folded.requestOffset, body: closing.value)
        settlement.nextSeq = closing.seq + 1
        settlement.dropsRuns = closing.control == "action-complete"
        if complete != nil || folded.checkpoint != nil {
            await change(&settlement, folded, complete, request, &memory)
        }
        if let complete {
            settlement.turns = complete.turn + 1
            settlement.turn = TurnSettlement(complete, run: closing.run ?? 1)
        }
        try await write(settlement, &memory)
        memory.chain.markStored()
        counts.withLock { complete == nil ? ($0.otherRequests += 1) : ($0.turns += 1) }
    }

    /// What the request changed of the history, and of what the agent keeps besides.
    private func change(
        _ settlement: inout Settlement, _ folded: FoldedRequest, _ complete: TurnComplete?, _ request: RebuiltRequest?,
        _ memory: inout SessionMemory
    ) async {
        // Moved, and not copied: what a turn costs must not depend on how long the history is.
        var chain = Chain()
        swap(&chain, &memory.chain)
        let work = complete == nil ? nil : request.map { inHand($0, folded.session, memory) }
        let turn = complete ?? TurnComplete(turn: max(memory.turns - 1, 0), outcome: .completed, finishReason: .other)
        let rebuilt = await loop.rebuilt(folded, turn, work, on: consume chain)
        memory.bytes += rebuilt.history.append.reduce(0) { $0 + $1.body.count }
        if rebuilt.isMisfit {
            note("what a hook made of turn \(turn.turn) does not fit what is left of the history", folded.session)
        }
        memory.chain = rebuilt.chain
        settlement.state = rebuilt.state
        if let state = rebuilt.state { memory.took(state) }
        if !loop.ownsHistory { settlement.history = rebuilt.history }
        let ahead = rebuilt.ahead.filter { $0 > folded.requestOffset }.map(position)
        if !ahead.isEmpty { settlement.appliedAhead = memory.appliedAhead(with: ahead, after: settlement.position) }
    }

    private func settleSilently(
        _ request: RebuiltRequest, _ nextSeq: Int64?, _ session: String, _ memory: inout SessionMemory
    ) async throws {
        let position = position(request.record.offset)
        guard !memory.hasApplied(position), !memory.appliedAhead.contains(position) else { return }
        let work = inHand(request, session, memory)
        var settlement = work.settlement(at: request.record.timestamp, recordsKey: true)
        settlement.nextSeq = max(nextSeq ?? 1, memory.nextSeq)
        settlement.dropsRuns = true
        try await write(settlement, &memory)
        counts.withLock { $0.otherRequests += 1 }
    }

    /// As `carryon sessions erase` leaves a session.
    private func erase(_ session: String, at time: Int64, _ memory: inout SessionMemory) async throws {
        guard
            var settlement = besidesRequests(session, HistoryChange(keep: 0), state: [], at: time, memory)
        else { return }
        settlement.isClosed = true
        try await write(settlement, &memory)
        memory.chain = Chain()
        memory.bytes = 0
        memory.took([])
    }

    /// As `carryon replay again` leaves a session, before its requests come again.
    private func takeBack(to rewind: RewindRecord, at time: Int64, _ memory: inout SessionMemory) async throws {
        // What is there already has gone on from there.
        guard memory.nextSeq <= rewind.nextSeq, let stored = try await store.loadSession(rewind.session) else { return }
        let history = EarlierHistory(stored.messages, state: stored.state ?? [], through: rewind.turn - 1)
        guard
            let settlement = besidesRequests(
                rewind.session, history.change(from: stored.messages), state: history.state, at: time, memory)
        else { return }
        try await write(settlement, &memory)
        memory = try await read(rewind.session)
    }

    /// As a turn that is settled leaves its session once `onTurnComplete` has been called.
    private func amend(_ amendment: AmendmentRecord, at time: Int64, _ memory: inout SessionMemory) async throws {
        // What is there already has gone on from there.
        guard memory.nextSeq <= amendment.nextSeq else { return }
        let history = loop.ownsHistory ? nil : amendment.checkpoint.history
        guard memory.nextSeq == amendment.nextSeq, history?.fits(memory.chain) ?? true else {
            let reason = "what onTurnComplete made of turn \(amendment.turn) does not fit what is left of the history"
            return note(reason, amendment.session)
        }
        var chain = Chain()
        swap(&chain, &memory.chain)
        let before = chain.messages
        if let history { chain = chain.applying(history) }
        let state = amendment.checkpoint.storedState
        defer { memory.chain = chain }
        // Of a rebuild that is begun again.
        let isThere = chain.messages.elementsEqual(before) && (state == nil || state == memory.storedState)
        let change = history?.change(turn: amendment.turn) ?? HistoryChange()
        guard !isThere, let settlement = besidesRequests(amendment.session, change, state: state, at: time, memory)
        else { return }
        try await write(settlement, &memory)
        memory.bytes += change.append.reduce(0) { $0 + $1.body.count }
        if let state { memory.took(state) }
    }

    /// A change that no request has asked for: it stands where the last one does.
    private func besidesRequests(
        _ session: String, _ history: HistoryChange, state: [UInt8]?, at time: Int64, _ memory: SessionMemory
    ) -> Settlement? {
        guard memory.revision > 0, let log = memory.lastLog, let offset = memory.positions[log] else { return nil }
        return Settlement(
            session: session, expectedRevision: memory.revision, fence: grant.partition.fence,
            position: LogPosition(log: log, offset: offset), fingerprint: nil, history: history, state: state,
            turns: memory.turns, nextSeq: memory.nextSeq, isClosed: memory.isClosed, at: time)
    }

    /// What joined the turn before it has nothing of its own to close it.
    private func note(_ request: RebuiltRequest, _ session: String, _ memory: SessionMemory) {
        let position = position(request.record.offset)
        guard !memory.hasApplied(position), !memory.appliedAhead.contains(position) else { return }
        note("the request at offset \(position.offset) is committed, and no event closes it", session)
    }

    /// Puts the request's runs on record, those that are not.
    private func begin(_ folded: FoldedRequest, _ memory: inout SessionMemory) async throws {
        let turn = folded.turn ?? memory.turns
        let known = memory.openRuns.filter { $0.turn == turn }.map(\.run).max() ?? 0
        for run in folded.runs where run.run > known {
            let stored = StoredRun(
                session: folded.session, turn: turn, run: run.run, host: Self.host, requestID: folded.requestID,
                position: position(folded.requestOffset), firstSeq: run.firstSeq, eventsStart: run.eventsStart,
                startedAt: run.startedAt, intents: folded.closing == nil ? folded.unansweredCalls : [])
            let ended = run.previousEnd.flatMap { end in memory.openRuns.contains { $0.run == end.run } ? end : nil }
            let begin = BeginRun(
                session: folded.session, expectedRevision: memory.revision, run: stored,
                fence: grant.partition.fence, previousEnd: ended)
            switch try await store.beginRun(begin) {
            case .written: memory.openRuns.append(stored)
            case .conflict(let reason): throw Disturbed(session: folded.session, reason: reason)
            case .fenced: throw Disturbed(session: folded.session, reason: "the partition is somebody else's")
            }
        }
        if folded.closing == nil { counts.withLock { $0.openTurns += 1 } }
    }

    private func base(
        _ folded: FoldedRequest, _ request: RebuiltRequest?, _ memory: SessionMemory, recordsKey: Bool, at time: Int64
    ) -> Settlement {
        if let request { return inHand(request, folded.session, memory).settlement(at: time, recordsKey: recordsKey) }
        return Settlement(
            session: folded.session, expectedRevision: memory.revision, fence: grant.partition.fence,
            position: position(folded.requestOffset), fingerprint: nil, turns: memory.turns, nextSeq: memory.nextSeq,
            isClosed: memory.isClosed, at: time)
    }

    private func inHand(_ request: RebuiltRequest, _ session: String, _ memory: SessionMemory) -> RequestInHand {
        let dispatch = Dispatch(
            entry: 0, assignment: 0, session: session, record: request.record, request: request.request)
        return RequestInHand(dispatch: dispatch, grant: grant, memory: memory)
    }

    private func write(_ settlement: Settlement, _ memory: inout SessionMemory) async throws {
        switch try await store.settle(settlement) {
        case .written(let revision): memory.settled(settlement, revision: revision)
        case .conflict(let reason): throw Disturbed(session: settlement.session, reason: reason)
        case .fenced: throw Disturbed(session: settlement.session, reason: "the partition is somebody else's")
        }
    }
}

extension SessionMemory {
    /// Takes over what the agent kept besides the messages.
    fileprivate mutating func took(_ state: [UInt8]) {
        let state = (try? AgentState(parsing: state)) ?? AgentState()
        summary = state.summary
        locals = Locals(durable: state.locals)
    }
}

extension FoldedRequest {
    /// Calls of which no result was written: they may have had their effect.
    fileprivate var unansweredCalls: [String] {
        var calls: [String] = []
        for (_, value) in chunks {
            switch try? Chunk(parsing: value) {
            case .toolInputAvailable(let call): calls.append(call.toolCallID)
            case .toolOutputAvailable(let result): calls.removeAll { $0 == result.toolCallID }
            case .toolOutputError(let failure): calls.removeAll { $0 == failure.toolCallID }
            default: continue
            }
        }
        return calls
    }
}

extension TurnSettlement {
    fileprivate init(_ complete: TurnComplete, run: Int) {
        self.init(
            turn: complete.turn, run: run, status: RunStatus(complete.outcome), outcome: complete.outcome.rawValue,
            finishReason: complete.finishReason.rawValue, usage: complete.usage?.json.serialized(),
            error: complete.error?["message"]?.stringValue, stopped: complete.stopped)
    }
}
