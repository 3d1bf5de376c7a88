import ChatAgent
import Conversation
import Kafka
import SessionStore
import Synchronization
import Telemetry
import Tracing

/// A run that has begun; its events wait until that is on record.
final class BegunRun: Sendable {
    let run: StoredRun
    let writer: EventWriter
    /// How the run ended that this one takes over from.
    let previousCause: String?
    let began = ContinuousClock.now
    // Not the task that writes it: that would keep its memory as long as somebody may ask for its result.
    private let isDecided = Gate()
    private let result = Mutex(Result<WriteResult, any Error>.failure(CancellationError()))

    init(run: StoredRun, writer: EventWriter, previousCause: String?) {
        self.run = run
        self.writer = writer
        self.previousCause = previousCause
    }

    /// What became of writing it; waits until that is known.
    func onRecord() async throws -> WriteResult {
        await isDecided.wait()
        return try result.withLock { $0 }.get()
    }

    func decide(_ result: Result<WriteResult, any Error>) {
        self.result.withLock { $0 = result }
        isDecided.open()
    }
}

/// Measures once when a reader could read a run's first content.
private final class FirstChunk: Sendable {
    private let began = ContinuousClock.now
    // Acknowledgements come on a thread of their own.
    private let context = ServiceContext.current
    private let hasCome = Atomic(false)

    func came() {
        guard !hasCome.exchange(true, ordering: .relaxed) else { return }
        ServiceContext.withValue(context) { MetricCatalog.firstChunk.record(since: began) }
    }
}

extension TurnExecutor {
    /// Begins a run: the consumer hears of it before anything of the agent's runs, and nothing is published of it before
    /// it is on record.
    /// - Parameter answer: where the turn's answer goes; `nil` for what is no turn.
    @inline(never)
    func begin(
        _ work: RequestInHand, _ takeover: Takeover?, _ answer: AnswerPlace?, _ control: TurnControl
    ) async throws -> BegunRun {
        let begin = try await beginRun(work, takeover)
        let run = begin.run
        let isTurn = answer != nil
        if isTurn { ServiceContext.current?.place?.begin(turn: run.turn, run: run.run) }
        let identity = work.identity(
            turn: isTurn ? run.turn : nil, run: isTurn ? run.run : nil, requestID: work.requestID,
            requestOffset: work.requestOffset, options: environment.options)
        let environment = environment
        let first = FirstChunk()
        let onContentAcknowledged: @Sendable () -> Void = {
            guard isTurn else { return }
            first.came()
            environment.reached(.midStream)
        }
        let writer = EventWriter(
            log: environment.log, identity: identity, firstSeq: run.firstSeq,
            maximumBytes: environment.options.maximumEventBytes, ticker: environment.ticker,
            onContentAcknowledged: onContentAcknowledged)
        // Turns that were begun for an assignment that is lost write nothing more, whatever is still merging.
        control.whenLost { writer.abandon() }
        if let answer { writer.write(.turnStart(turn: run.turn, run: run.run, messageID: answer.messageID)) }
        environment.report(.began(entries: [work.dispatch.entry]))
        // The agent's code may end this process at once, and then the consumer has to know who was here.
        await environment.flushReports()
        let grant = work.grant
        let begun = BegunRun(run: begin.run, writer: writer, previousCause: takeover?.cause.description)
        Task {
            do {
                begun.decide(.success(try await write(begin, grant, writer, control)))
            } catch {
                begun.decide(.failure(error))
            }
        }
        return begun
    }

    @inline(never)
    func takeover(_ work: RequestInHand) async throws -> Takeover? {
        guard !work.memory.openRuns.isEmpty else { return nil }
        let answer = try await recovery.answer(
            for: work.dispatch.session, runs: work.memory.openRuns, grant: work.grant)
        return Takeover(
            work, answer: answer, hostID: environment.options.hostID, tuning: environment.live.tuning,
            park: try await park(of: work))
    }

    @inline(never)
    private func beginRun(_ work: RequestInHand, _ takeover: Takeover?) async throws -> BeginRun {
        let eventsStart = try await environment.log.endOffset(of: work.dispatch.record.partition)
        let run = StoredRun(
            session: work.dispatch.session, turn: work.memory.turns, run: (takeover?.previous.run ?? 0) + 1,
            region: environment.options.region, host: environment.options.hostID, requestID: work.requestID,
            position: work.position, firstSeq: takeover?.nextSeq ?? work.memory.nextSeq, eventsStart: eventsStart,
            startedAt: environment.now())
        return BeginRun(
            session: work.dispatch.session, expectedRevision: work.memory.revision, run: run,
            fence: work.grant.partition.fence, previousEnd: takeover?.end)
    }

    /// Puts the run on record, waiting for a store that is away, and lets its events out.
    private func write(
        _ begin: BeginRun, _ grant: Grant, _ writer: EventWriter, _ control: TurnControl
    ) async throws -> WriteResult {
        environment.reached(.beforeBeginRun)
        let result: WriteResult
        do {
            result = try await environment.persistently(grant) { try await environment.store.beginRun(begin) }
        } catch {
            control.end(.lost)
            throw error
        }
        if case .written = result {
            environment.reached(.afterBeginRun)
            writer.open()
        } else {
            control.end(.lost)
        }
        return result
    }

    /// Why the run may not be, if it may not.
    @inline(never)
    func refusal(_ begun: BegunRun, _ grant: Grant) async throws -> Fate? {
        let writer = begun.writer
        do {
            switch try await begun.onRecord() {
            case .written: return nil
            case .fenced:
                writer.abandon()
                onFenced(grant.partition.assignment)
                return .letGo
            case .conflict(let reason):
                writer.abandon()
                return .again(reason: reason)
            }
        } catch {
            writer.abandon()
            throw error
        }
    }
}
