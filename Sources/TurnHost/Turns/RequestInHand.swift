import ChatAgent
import Conversation
import Kafka
import SessionStore
import Telemetry
import Tracing

/// A request that is being carried out, with the session's state as it is known.
struct RequestInHand: Sendable {
    /// How a request ends that needs no turn.
    struct Closing: Sendable {
        /// What readers are told, if anything.
        var control: ControlRecord?
        var closesSession = false
        var recordsKey = true
        /// Why the request goes to the dead letters, if it does.
        var rejection: TurnError?
        var rejectionCause = DeadLetter.Cause.rejected
    }

    let dispatch: Dispatch
    let grant: Grant
    @Boxed var memory: SessionMemory

    var request: Request { dispatch.request }
    var position: LogPosition { LogPosition(log: grant.log, offset: dispatch.record.offset) }
    var requestID: String { request.id ?? dispatch.record.fallbackRequestID }
    /// The span that carries it out, or else the producer's.
    var traceparent: String? {
        ServiceContext.current?.trace?.traceparent ?? dispatch.record.headerString("traceparent")
    }
    /// Whether an earlier run of the request's turn was begun: it is carried through.
    var isBegun: Bool { memory.openRuns.contains { stands(at: $0.position) } }

    /// Leaves the session's state to its next request.
    @inline(never)
    func keepMemory(in session: HostedSession) {
        session.keep(memory)
    }

    /// The settlement that every request has: its position, and nothing else.
    /// - Parameter recordsKey: whether it records the request's key; of one that was handed over, the key that says so.
    func settlement(at time: Int64, recordsKey: Bool) -> Settlement {
        let position = position
        let ahead = memory.appliedAhead.filter { $0.log != position.log || $0.offset > position.offset }
        return Settlement(
            session: dispatch.session, expectedRevision: memory.revision, fence: grant.partition.fence,
            position: position, fingerprint: dispatch.record.timestamp,
            appliedAhead: ahead == memory.appliedAhead ? nil : ahead, turns: memory.turns, nextSeq: memory.nextSeq,
            isClosed: memory.isClosed, idempotencyKey: recordsKey ? forwardedKey ?? request.idempotencyKey : nil,
            at: time)
    }

    /// What the agent's hooks are told of the request.
    @inline(never)
    func identity(run: Int, lifecycle: TurnLifecycle) -> TurnIdentity {
        TurnIdentity(
            session: dispatch.session, turn: memory.turns, run: run, trigger: identityTrigger, requestID: requestID,
            data: request.data, isContinuation: memory.isContinuation, locals: memory.locals, lifecycle: lifecycle)
    }

    private var identityTrigger: TurnIdentity.Trigger {
        switch request.kind {
        case .message(let message): message.role == .assistant ? .toolAnswer : .message
        case .regenerate: .regenerate
        case .preload: .preload
        case .action, .stop, .close: .action
        }
    }

    /// What closes the request, as it is stored with its settlement.
    func closingEvent(_ control: ControlRecord, seq: Int64, turn: Int?, run: Int?) -> StoredEvent {
        StoredEvent(
            seq: seq, turn: turn, run: run, control: control.subtype, requestID: requestID,
            requestOffset: requestOffset, body: control.serialized())
    }

    /// The stored closing event as a record of the events topic.
    func record(of closing: StoredEvent, options: HostOptions) -> ProducerRecord {
        identity(
            turn: closing.turn, run: closing.run, requestID: closing.requestID, requestOffset: closing.requestOffset,
            options: options
        )
        .record(seq: closing.seq, control: closing.control, value: closing.body)
    }

    /// What the request's events have in common.
    func identity(
        turn: Int?, run: Int?, requestID: String, requestOffset: Int64, options: HostOptions
    ) -> EventIdentity {
        EventIdentity(
            topic: options.eventsTopic, partition: dispatch.record.partition, session: dispatch.session, turn: turn,
            run: run, requestID: requestID, requestOffset: requestOffset, traceparent: traceparent)
    }
}

extension SessionMemory {
    /// Takes a written settlement's effect over, except for the history's, which the turn hands over itself.
    mutating func settled(_ settlement: Settlement, revision: Int64) {
        self.revision = revision
        turns = settlement.turns
        nextSeq = settlement.nextSeq
        isClosed = settlement.isClosed
        positions[settlement.position.log] = settlement.position.offset
        lastLog = settlement.position.log
        if let ahead = settlement.appliedAhead { appliedAhead = ahead }
        if let closing = settlement.lastControl { lastControl = closing }
        if settlement.turn != nil || settlement.dropsRuns { openRuns = [] }
        if let state = settlement.state { storedState = state }
    }
}

extension Request {
    /// Whether the request is carried through by a turn.
    var isTurn: Bool {
        switch kind {
        case .message, .regenerate: true
        case .action, .preload, .stop, .close: false
        }
    }

    /// Whether what comes behind the request is closed out.
    var isClose: Bool { if case .close = kind { true } else { false } }

    /// Whether carrying the request out calls the agent.
    var runsAgent: Bool {
        switch kind {
        case .message, .regenerate, .action, .preload: true
        case .stop, .close: false
        }
    }
}
