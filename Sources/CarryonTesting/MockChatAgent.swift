public import ChatAgent
public import Conversation
public import LanguageModels
import Logging
import SessionStore
import Synchronization
import TurnHost

/// An agent under test: the real turn loop, with one session, a store, an events topic and workers, all in memory.
///
/// What drives the session (``send(_:data:)-(String,_)``, ``regenerate(data:)``, ``stop(reason:)`` and the others)
/// appends a request to the session's log and returns when everything that it causes has happened: its effect is in the
/// ``checkpoint``, its events are there, and the agent's `onTurnComplete` has returned. It returns earlier if the worker
/// dies or waits at a step that it was told to (``kill(at:occurrence:cause:)``, ``pause(at:occurrence:)``), with what
/// the turn has come to by then. Nothing has to be slept for.
///
/// The first worker boots by itself with the first request. After a death, ``boot(_:)`` starts the next one, which gets
/// everything that is not settled again, with the true cause.
///
/// Several tests may have an agent each at the same time. Safe to use from any task; requests are carried out in the
/// order of the calls.
public final class MockChatAgent: Sendable {
    /// What a worker is told at its start.
    public struct Options: Sendable {
        /// What is done about a turn whose worker died, before the agent's `onRecoveryBoot` has its say.
        public var recoveryPolicy = RecoveryPolicy.continue
        /// How many runs of a turn may end in a crash before its request is given up.
        public var crashAttempts = 3
        /// How many runs of a turn may end for lack of memory before its request is given up.
        public var outOfMemoryAttempts = 2
        /// How long, in real time, a call may have to wait before it throws ``MockChatError/timedOut(waitingFor:after:)``.
        public var patience = Duration.seconds(30)

        /// Makes the options that a service has by default.
        public init() {}
    }

    struct Workers: Sendable {
        var workers: [MockWorker] = []
        /// What nobody else keeps alive.
        var hosts: [TurnHost] = []
    }

    /// The session's id.
    public let session: String
    let agent: any ChatAgent
    let data: JSON?
    let options: Options
    let store = MemorySessionStore()
    let log = MemoryEventLog()
    let stage = Stage()
    let clock: any Clock<Duration>
    let time: @Sendable () -> Int64
    /// Locked also while requests are handed over, so that they arrive in the order of their offsets.
    let workers = Mutex(Workers())
    private let reading = Mutex(EventReading())

    /// Makes a session of which nothing is stored, and no worker yet.
    ///
    /// - Parameters:
    ///   - agent: what is tested.
    ///   - session: the session's id.
    ///   - data: the client data of every request that is not given its own.
    ///   - options: what workers are told at their start.
    ///   - clock: what time it is for the workers: at the clock's instant of now it is the beginning of 2026. What
    ///     they wait for, they wait for by this clock. Give the agent and its model the same one.
    public init(
        _ agent: any ChatAgent, session: String = "test-chat", data: JSON? = nil, options: Options = Options(),
        clock: any Clock<Duration> = ImmediateClock()
    ) {
        self.agent = agent
        self.session = session
        self.data = data
        self.options = options
        self.clock = clock
        time = Self.milliseconds(on: clock)
    }

    deinit {
        for worker in workers.withLock({ $0.workers }) { worker.die(.unseen) }
    }

    private static func milliseconds<C: Clock>(on clock: C) -> @Sendable () -> Int64 where C.Duration == Duration {
        let beginning: Int64 = 1_767_225_600_000
        let start = clock.now
        return {
            let elapsed = start.duration(to: clock.now).components
            return beginning + elapsed.seconds * 1_000 + elapsed.attoseconds / 1_000_000_000_000_000
        }
    }

    /// The time on the clock.
    public var now: Timestamp { Timestamp(milliseconds: time()) }

    /// The session's events, in the order of their `seq`, as a reader has them who follows the reader's rule.
    public var events: [Event] {
        reading.withLock { reading in
            reading.readOn(log)
            return reading.events
        }
    }

    /// The chunks of all answers that were not superseded.
    public var chunks: [Chunk] { turns.flatMap(\.chunks) }

    /// What every request has caused so far, in the order of their offsets.
    public var turns: [MockTurn] { stage.read { $0.entries.keys.sorted() }.compactMap(turn(at:)) }

    /// The session's durable state; `nil` as long as nothing of it is settled.
    public var checkpoint: Checkpoint? {
        guard let stored = loadSession(), stored.revision > 0 else { return nil }
        let state = stored.state.flatMap { try? AgentState(parsing: $0) }
        // The store's positions begin with the last one that was settled.
        return Checkpoint(
            messages: Self.messages(stored), turns: stored.turns, nextSeq: stored.nextSeq, revision: stored.revision,
            offset: stored.positions.first?.offset, isClosed: stored.isClosed, openRuns: stored.openRuns.count,
            summary: state?.summary?.text, locals: state?.locals ?? JSONObject())
    }

    /// The offset from which another consumer would begin: that of the first request that is not durably settled and
    /// reported as such, or the log's end.
    public var committedOffset: Int64 { stage.read { $0.committedOffset } }

    /// The offset that the next request will have.
    public var endOffset: Int64 { stage.read { $0.endOffset } }

    /// Every call of the agent's code, in the order in which they began.
    public var hookCalls: [HookCall] { stage.read { $0.hookCalls } }

    /// The names of ``hookCalls``.
    public var hooks: [Hook] { hookCalls.map(\.hook) }

    /// Every prompt that a model was given, in order. Only models that note it are seen: ``StubModel``, and what is
    /// wrapped in a ``RecordingModel``.
    public var prompts: [ModelRequest] { stage.read { $0.prompts.map(\.request) } }

    /// How many requests went to the dead letters.
    public var deadLetterCount: Int { Int(log.end(of: MemoryEventLog.deadLetters)) }

    /// What the request at `offset` has caused so far; `nil` if there is none.
    public func turn(at offset: Int64) -> MockTurn? {
        let events = reading.withLock { reading in
            reading.readOn(log)
            return reading.events(ofRequest: offset)
        }
        let turn = events.last { $0.turn != nil }?.turn
        let found = stage.read { state in
            state.entries[offset].map { entry in
                let id = entry.dispatch.request.id ?? "0-\(offset)"
                let prompts = state.prompts.filter { $0.requestID == id && $0.turn == turn }
                return (entry.dispatch.request, state.turnState(of: offset), prompts)
            }
        }
        guard let (request, state, prompts) = found else { return nil }
        var completion: TurnComplete?
        for case .control(.turnComplete(let complete)) in events.map(\.body) { completion = complete }
        let stored = completion?.messageID.flatMap { id in
            loadSession().flatMap { stored in
                stored.messages.last { $0.id == id }.flatMap { try? Message(parsing: $0.body) }
            }
        }
        return MockTurn(
            state: state, request: request, offset: offset, events: events, prompts: prompts.map(\.request),
            storedMessage: stored)
    }

    func loadSession() -> StoredSession? {
        // The store is never closed, and only then does it refuse to be read.
        (try? store.access("reading the session") { [session] in $0.load(session) }) ?? nil
    }

    /// What was stored is what a message was written as.
    private static func messages(_ stored: StoredSession) -> [Message] {
        stored.messages.compactMap { try? Message(parsing: $0.body) }
    }
}

extension StageState {
    /// Where a request stands, in the words of the test's author.
    func turnState(of offset: Int64) -> MockTurn.State {
        guard let entry = entries[offset] else { return .waiting }
        guard let number = entry.worker else { return entry.isSettled ? .settled : .waiting }
        let worker = workers[number]
        if case .dead(let death, let point) = worker.phase, !entry.isSettled || worker.owed == offset {
            return .interrupted(death, at: point)
        }
        if let pause = worker.pause, pause.offset == offset { return .paused(at: pause.point) }
        return entry.isSettled && worker.owed != offset ? .settled : .waiting
    }
}
