package import ChatAgent
import Conversation
import Kafka
package import Logging
package import SessionStore

/// Builds the sessions of one partition again from its requests and events, both read once: from their beginnings, or
/// from where what the store lacks begins.
///
/// What is held at a time does not grow with the topics' length: the answers that were under way side by side, some
/// megabytes of histories and of steps, and a few numbers and the last unanswered request of each session of the
/// partition.
package struct PartitionRebuild {
    /// So many bytes of steps are worked out together.
    private static let batchBytes = 8 * 1024 * 1024

    private let rebuilder: SessionRebuilder
    private let events: any RecordSource
    private let committed: Int64
    private let scope: RebuildScope?
    private let batch: Int
    private let lanes: Int
    private let progress: (RebuildReport) -> Void

    private var requests: RequestLookahead
    private var folds: [String: SessionFold] = [:]
    private var steps: [String: [RebuildStep]] = [:]
    private var stepCount = 0
    private var stepBytes = 0
    private var eventCount = 0

    /// - Parameters:
    ///   - partition: the requests' log, with a fence that was taken for this.
    ///   - committed: the offset that the consumer group has committed there; what lies before it is settled.
    ///   - scope: what of it; `nil` for all. The sources begin where it says.
    ///   - batch: how many steps are worked out together; `nil` for some of each lane.
    ///   - lanes: how many sessions are written side by side.
    ///   - loop: the service's agent. It is not called.
    ///   - onTurn: called with each turn before it is settled, in its session's order.
    ///   - progress: told now and then what was done so far.
    package init(
        _ partition: PartitionGrant, events: any RecordSource, requests: any RecordSource, committed: Int64,
        scope: RebuildScope? = nil, batch: Int? = nil, lanes: Int = 64, store: any SessionStore, loop: TurnLoop,
        logger: Logger,
        onTurn: (@Sendable (RecordedTurn) async throws -> Void)? = nil,
        progress: @escaping (RebuildReport) -> Void = { _ in }
    ) {
        rebuilder = SessionRebuilder(partition, store: store, loop: loop, logger: logger, onTurn: onTurn)
        self.events = events
        self.requests = RequestLookahead(requests, of: scope?.sessions)
        self.committed = committed
        self.scope = scope
        self.batch = batch ?? 64 * lanes
        self.lanes = lanes
        self.progress = progress
    }

    /// Reads both topics' partition to its end.
    /// - Throws: what the sources and the store throw; ``SessionRebuilder/Disturbed`` if somebody else writes the same
    ///   sessions; ``RebuildScope/Misplaced`` if the events do not begin where the scope has them. What was written by
    ///   then stays, and is passed over when the rebuild is begun again.
    package mutating func run() async throws -> RebuildReport {
        while let records = try await events.next() {
            for record in records {
                eventCount += 1
                try await take(record)
            }
            if stepCount >= batch || stepBytes >= Self.batchBytes { try await flush() }
        }
        try await flush()
        try await finish()
        return report
    }

    private var report: RebuildReport {
        var report = rebuilder.report
        report.sessions = folds.count
        report.events = eventCount
        report.requests = requests.count
        return report
    }

    private mutating func take(_ record: KafkaRecord) async throws {
        if let scope, !scope.sessions.contains(record.keyString ?? "") { return }
        if record.value == nil { return take(besidesEvents: record) }
        // Somebody else's record is none of the sessions' events.
        guard
            let headers = try? EventHeaders(
                key: record.key, headers: record.headers.map { (name: $0.name, value: $0.value) })
        else { return }
        let session = headers.session
        if let known = scope?.knownSeqs[session], folds[session] == nil, headers.seq > known {
            throw RebuildScope.Misplaced(session: session, seq: known)
        }
        guard let folded = folds[session, default: SessionFold()].take(headers, record) else { return }
        var own: RebuiltRequest?
        for request in try await requests.take(session, upTo: folded.requestOffset) {
            if request.record.offset == folded.requestOffset { own = request } else { addSilent(request, session) }
        }
        add(.closed(folded, own), session, bytes: folded.bytes + (own?.record.byteCount ?? 0))
    }

    /// Takes a record that is none of its session's events, and that may tell of a change.
    private mutating func take(besidesEvents record: KafkaRecord) {
        guard let session = record.keyString, folds[session] != nil else { return }
        if ErasureRecord.session(of: record) != nil {
            add(.erased(at: record.timestamp), session, bytes: record.byteCount)
        } else if let rewind = RewindRecord(record) {
            add(.rewound(rewind, at: record.timestamp), session, bytes: record.byteCount)
        } else if let amendment = AmendmentRecord(record) {
            add(.amended(amendment, at: record.timestamp), session, bytes: record.byteCount)
        }
    }

    /// A request in front of one that was begun is settled; of those that leave no event, only a stop's key is kept.
    private mutating func addSilent(_ request: RebuiltRequest, _ session: String) {
        guard case .stop = request.request.kind, request.request.idempotencyKey != nil else { return }
        add(.silent(request, nextSeq: nil), session, bytes: request.record.byteCount)
    }

    private mutating func add(_ step: RebuildStep, _ session: String, bytes: Int) {
        steps[session, default: []].append(step)
        stepCount += 1
        stepBytes += bytes
    }

    /// What is left at the ends of both topics.
    private mutating func finish() async throws {
        if let gone = scope?.knownSeqs.first(where: { folds[$0.key] == nil }) {
            throw RebuildScope.Misplaced(session: gone.key, seq: gone.value)
        }
        let rest = try await requests.rest()
        for (session, fold) in folds {
            guard let unsettled = fold.unsettled else { continue }
            for request in rest[session] ?? [] where request.record.offset < unsettled.requestOffset {
                addSilent(request, session)
            }
            let isSilent = rest[session]?.contains {
                $0.record.offset == unsettled.requestOffset && $0.request.isSilent && $0.record.offset < committed
            }
            if isSilent != true { add(.open(unsettled), session, bytes: unsettled.bytes) }
            if stepCount >= batch { try await flush() }
        }
        for (session, left) in rest {
            let nextSeq = (folds[session]?.highestSeq ?? 0) + 1
            for known in left where known.record.offset < committed {
                guard known.request.isSilent else {
                    // What is behind it counts as settled only once it does.
                    add(.unclosed(known), session, bytes: known.record.byteCount)
                    break
                }
                guard known.request.leavesPosition else { continue }
                add(.silent(known, nextSeq: nextSeq), session, bytes: known.record.byteCount)
            }
            if stepCount >= batch { try await flush() }
        }
        try await flush()
    }

    private mutating func flush() async throws {
        let rebuilder = rebuilder
        try await inLanes(steps, lanes: lanes) { session, steps in
            try await rebuilder.rebuild(session, steps)
        }
        (steps, stepCount, stepBytes) = ([:], 0, 0)
        progress(report)
    }
}

extension Request {
    /// Whether it may be settled without an event.
    fileprivate var isSilent: Bool {
        switch kind {
        case .stop, .preload: true
        // One that answers no call goes to the dead letters; every other has its turn.
        case .message(let message): message.role == .assistant
        case .regenerate, .action, .close: false
        }
    }

    /// Whether anything is written of its settlement. A stop that comes too late leaves nothing, but its key is kept.
    var leavesPosition: Bool {
        if case .stop = kind { idempotencyKey != nil } else { true }
    }
}
