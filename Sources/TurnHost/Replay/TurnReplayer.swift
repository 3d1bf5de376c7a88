package import ChatAgent
import Conversation
import Kafka
package import Logging
package import SessionStore
import Synchronization

/// Runs recorded turns again, each on the conversation as it was then, and writes what comes of them to a store and an
/// events topic that are nobody else's.
///
/// The agent's hooks before and in the answer run as in a live turn. Tools that are not declared read-only are not
/// called. Different sessions' turns may run side by side.
package final class TurnReplayer: Sendable {
    /// What came of a turn that was run again.
    package struct Outcome: Sendable {
        package var answer: RecordedTurn.Answer
        package var duration: Duration
    }

    private let loop: TurnLoop
    private let agent: any ChatAgent
    private let log: any EventLog
    private let options: HostOptions
    private let partition: Int32
    private let store: any SessionStore
    private let fence: Fence
    private let place: LogIdentity
    private let ticker: FlushTicker
    private let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - log: where the events go, to `partition`; `options` names the topic.
    ///   - store: gets the replayed sessions: the questions, and the answers that were given now.
    ///   - place: stands for the log that the requests came from.
    package init(
        agent: any ChatAgent, log: any EventLog, options: HostOptions, partition: Int32, store: any SessionStore,
        fence: Fence,
        place: LogIdentity, now: @escaping @Sendable () -> Int64, logger: Logger
    ) {
        loop = TurnLoop(agent: agent, logger: logger)
        self.agent = agent
        self.log = log
        self.options = options
        self.partition = partition
        self.store = store
        self.fence = fence
        self.place = place
        self.now = now
        ticker = FlushTicker(window: options.flushWindow)
    }

    /// Runs a recorded turn again, unless the store has it: a replay that is continued has done it before.
    /// - Parameter record: told what came of it, before the store is. A turn may be told of again after a death.
    /// - Throws: what the store, the log and `record` throw.
    package func replay(_ recorded: RecordedTurn, _ record: (Outcome) throws -> Void) async throws {
        let head = try await store.sessionHead(recorded.session)
        if let head, head.turns > recorded.turn { return }
        let began = ContinuousClock.now
        var work = recorded.request
        work.takeBackGivenUpTurn()
        let run = StoredRun(
            session: recorded.session, turn: recorded.turn, run: (head?.openRuns.last?.run ?? 0) + 1,
            host: options.hostID, requestID: recorded.requestID,
            position: LogPosition(log: place, offset: recorded.offset), firstSeq: head?.nextSeq ?? 1,
            eventsStart: 0, startedAt: now())
        let begin = BeginRun(session: recorded.session, expectedRevision: head?.revision ?? 0, run: run, fence: fence)
        try Self.require(try await store.beginRun(begin), recorded)
        let place = work.place(messageID: "\(recorded.session)-answer-\(recorded.turn)")
        let output = ReplayOutput(
            EventWriter(
                log: log,
                identity: EventIdentity(
                    topic: options.eventsTopic, partition: partition, session: recorded.session, turn: run.turn,
                    run: run.run, requestID: recorded.requestID, requestOffset: recorded.offset, traceparent: nil),
                firstSeq: run.firstSeq, maximumBytes: options.maximumEventBytes, ticker: ticker),
            continuing: place.base)
        output.writer.open()
        output.write(.turnStart(turn: run.turn, run: run.run, messageID: place.messageID))
        let (effect, failure) = try await carryOut(recorded, work, place, output)
        let answer = RecordedTurn.Answer(
            effect?.outcome ?? .failed, output.message.parts.dropFirst(place.base?.parts.count ?? 0),
            usage: effect?.usage, error: effect?.error?.message ?? failure)
        try record(Outcome(answer: answer, duration: .now - began))
        try await settle(recorded, run, effect, answer, output, head)
    }

    /// - Returns: what the turn changes, or why it could not even begin.
    private func carryOut(
        _ recorded: RecordedTurn, _ work: RequestInHand, _ place: AnswerPlace, _ output: ReplayOutput
    ) async throws -> (TurnEffect?, String?) {
        let identity = work.identity(run: 1, lifecycle: TurnLifecycle())
        var plan = work.plan(identity, place)
        plan.needsBoot = true
        do {
            plan.tools = RecordedTools(recorded.parts).replaying(try await agent.tools(for: identity))
        } catch {
            return (nil, "\(error)")
        }
        let control = TurnControl()
        let timer = options.turnTimeout.map { limit in
            Task {
                try await Task.sleep(for: limit)
                control.end(.timedOut(after: limit))
            }
        }
        defer { timer?.cancel() }
        let result = await loop.run(
            plan, on: work.memory.chain, output: output, control: control, support: ReplaySupport(writer: output.writer)
        )
        guard case .settle(let effect) = result else {
            return (nil, "the turn was left to a newer version of the service")
        }
        return (effect, nil)
    }

    /// Writes the question and the new answer behind what the store has of the session.
    private func settle(
        _ recorded: RecordedTurn, _ run: StoredRun, _ effect: TurnEffect?, _ answer: RecordedTurn.Answer,
        _ output: ReplayOutput, _ head: StoredSession?
    ) async throws {
        let complete = TurnComplete(
            turn: run.turn, outcome: answer.outcome, finishReason: effect?.finishReason ?? .error,
            messageID: effect?.response?.id, usage: answer.usage, error: effect?.error?.json,
            stopped: effect?.isStopped ?? false)
        output.write(.turnComplete(complete))
        try await output.writer.drain()
        let messages = effect?.newMessages ?? []
        let settlement = Settlement(
            session: recorded.session, expectedRevision: head?.revision ?? 0, fence: fence,
            position: LogPosition(log: place, offset: recorded.offset), fingerprint: nil,
            turn: TurnSettlement(
                turn: run.turn, run: run.run, status: RunStatus(answer.outcome), outcome: answer.outcome.rawValue,
                finishReason: complete.finishReason.rawValue, usage: answer.usage?.json.serialized(),
                error: answer.error, stopped: complete.stopped),
            history: HistoryChange(append: messages.map { StoredMessage($0, turn: run.turn) }),
            turns: run.turn + 1, nextSeq: output.writer.nextSeq, at: now())
        try Self.require(try await store.settle(settlement), recorded)
    }

    private static func require(_ result: WriteResult, _ recorded: RecordedTurn) throws {
        switch result {
        case .written: return
        case .conflict(let reason): throw SessionRebuilder.Disturbed(session: recorded.session, reason: reason)
        case .fenced:
            throw SessionRebuilder.Disturbed(session: recorded.session, reason: "another replay has the same name")
        }
    }
}

/// Where a replayed turn's chunks go: to its events, and into the message that they amount to.
private final class ReplayOutput: TurnOutput {
    let writer: EventWriter
    private let assembler: Mutex<MessageAssembler>

    init(_ writer: EventWriter, continuing base: Message?) {
        self.writer = writer
        assembler = Mutex(MessageAssembler(continuing: base))
    }

    var message: Message { assembler.withLock { $0.message } }

    func write(_ chunk: Chunk) throws {
        try writer.write(chunk)
        // What does not fit is nothing to a reader.
        assembler.withLock { try? $0.apply(chunk) }
    }

    func check(_ chunk: Chunk) throws { try writer.check(chunk) }
    func write(_ control: ControlRecord) { writer.write(control) }
    var isCongested: Bool { writer.isCongested }
    func waitUntilWritable() async { await writer.waitUntilWritable() }
}

/// What a replayed turn needs beside its output. Nothing joins it: what had joined it then is in the conversation.
private struct ReplaySupport: TurnSupport {
    let writer: EventWriter

    func makeDurable(intents: [String]) async throws { try await writer.drain() }
    func reached(_ step: ToolStep) {}
    func waitingMessages() async -> [WaitingMessage] { [] }
    var clock: any Clock<Duration> { ContinuousClock() }
}
