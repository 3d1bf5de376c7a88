import ChatAgent
import Conversation
import SessionStore

/// A turn that an earlier run began and did not settle: what is known of that run, and what is left of its answer.
final class Takeover: Sendable {
    /// The run that this one takes over from.
    let previous: StoredRun
    let cause: RecoveryCause
    /// What is to be written to the previous run's row, if its end is not recorded yet.
    let end: (run: Int, cause: String, kind: RunEnd)?
    /// How many runs of the request died, of those deaths that are charged to it.
    let deaths: Int
    /// The budget that the request's deaths have used up, or that none is left because its session is parked.
    let exhausted: ExhaustedBudget?
    /// The park that is why it is given up.
    let park: ParkedSession?
    /// Whether the earlier runs were for this very request. A log that is not the log it was leaves runs of a request
    /// that will never come again: their answer is none for this one.
    let isSameRequest: Bool
    /// Calls that the earlier runs were about to make.
    let intents: Set<String>
    let answer: DeadAnswer
    /// From where readers have to forget the whole answer, if nothing of it can be gone on with.
    let forgottenFrom: Int64?
    let nextSeq: Int64

    /// - Parameter park: that the request's session is parked, if it is.
    init(_ work: RequestInHand, answer: DeadAnswer, hostID: String, tuning: HostTuning, park: ParkedSession?) {
        let runs = work.memory.openRuns
        self.answer = answer
        intents = Set(runs.flatMap(\.intents))
        previous = runs[runs.count - 1]
        isSameRequest = runs.allSatisfy { work.stands(at: $0.position) }
        let end = Self.end(of: previous, death: work.dispatch.death, ownHost: hostID)
        self.end = previous.status == .running ? end : nil
        cause = Self.cause(end)
        // Deaths on machines of another kind say nothing of this one.
        let ends = zip(runs, runs.dropLast().map(\.causeKind) + [end.kind])
            .filter { $0.0.position.log == work.position.log }.map(\.1)
        deaths = ends.count { $0?.isCharged ?? true }
        // A turn that is handed over still runs, and ends as it would have; one whose host died waits with the others.
        let isParked = isSameRequest && park != nil && end.kind != .handover
        let exhausted = isSameRequest ? Self.exhausted(ends, tuning) ?? (isParked ? .parked : nil) : nil
        self.exhausted = exhausted
        self.park = exhausted == .parked ? park : nil
        let chunks = answer.chunks()
        // What joined the answer over there is named by an offset that means nothing here: it comes again.
        let isOfOneLog = runs.allSatisfy { $0.position.log == work.position.log }
        let isForgotten = !isSameRequest || !isOfOneLog && chunks.contains(where: \.chunk.saysWhatJoined)
        forgottenFrom = answer.isTooLarge ? answer.firstSeq : isForgotten ? chunks.first?.seq : nil
        nextSeq = max(work.memory.nextSeq, answer.highestSeq + 1)
    }

    /// The evidence for the policy.
    func evidence(_ point: ResumePoint, isStopped: Bool, hasNewerMessages: Bool) -> RecoveryEvidence {
        RecoveryEvidence(
            cause: isStopped ? .cancelled : cause, hasPartial: isSameRequest && point.hasPartial,
            ending: isSameRequest ? point.ending : nil, isStopped: isStopped, hasNewerMessages: hasNewerMessages,
            exhausted: exhausted)
    }

    private static func end(
        of run: StoredRun, death: HostDeath?, ownHost: String
    ) -> (run: Int, cause: String, kind: RunEnd) {
        if let kind = run.causeKind { return (run.run, run.cause ?? kind.rawValue, kind) }
        // Only the host that the run was in can have died of it.
        if let death = death?.death(of: run.host) { return (run.run, death.cause, death.runEnd) }
        // A host that lives has not died of the run: the partition was away for a while.
        if run.host == ownHost { return (run.run, StoredRun.lostPartition, .handover) }
        return (run.run, RunEnd.unknown.rawValue, .unknown)
    }

    private static func cause(_ end: (run: Int, cause: String, kind: RunEnd)) -> RecoveryCause {
        switch end.kind {
        case .crashed, .crashedInCompany: .crashed(end.cause)
        case .outOfMemory, .outOfMemoryInCompany: .outOfMemory
        case .handover: .handover
        case .unknown: .unknown
        }
    }

    private static func exhausted(_ ends: [RunEnd?], _ tuning: HostTuning) -> ExhaustedBudget? {
        // A run whose end nobody saw may well have taken the whole worker with it.
        let crashes = ends.count { $0 == .crashed || $0 == .unknown || $0 == nil }
        let outOfMemory = ends.count { $0 == .outOfMemory }
        if outOfMemory >= tuning.outOfMemoryAttempts { return .outOfMemory }
        return crashes >= tuning.crashAttempts ? .crashLoop : nil
    }
}

extension StoredRun {
    /// Why a run ended whose host lives and has lost its partition.
    static let lostPartition = "the partition was lost"
}
