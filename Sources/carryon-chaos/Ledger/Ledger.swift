import Conversation
import Kafka
import SessionStore

/// Holds what is known of a session against what must hold of every session. A pure function of the evidence.
struct Ledger: Sendable {
    /// How many runs a request may end by a crash.
    let crashAttempts: Int
    /// How many runs a request may end by taking too much memory.
    let outOfMemoryAttempts: Int
    /// Whether anything was done to the service of which a run may die: if not, a request is charged for nothing but what
    /// it does itself.
    var hasDeaths = true

    func findings(_ evidence: SessionEvidence) -> [Finding] {
        var audit = SessionAudit(evidence, budgets: self)
        audit.checkReading()
        audit.checkOutcomes()
        audit.checkOrder()
        audit.checkRuns()
        audit.checkHistory()
        audit.checkTools()
        return audit.findings
    }
}

/// One session's evidence, sorted, and what was found in it so far.
struct SessionAudit {
    /// The end of a request, as a reader was told.
    struct Closing {
        let event: Event
        let control: ControlRecord

        var complete: TurnComplete? {
            if case .turnComplete(let complete) = control { complete } else { nil }
        }
    }

    let evidence: SessionEvidence
    let budgets: Ledger
    /// What a reader has that reads everything at once.
    let kept: [Event]
    let chunks: [Int: [Chunk]]
    /// By request id.
    let closings: [String: [Closing]]
    /// By turn, in their order.
    let runs: [Int: [StoredRun]]
    private(set) var findings: [Finding] = []

    init(_ evidence: SessionEvidence, budgets: Ledger) {
        self.evidence = evidence
        self.budgets = budgets
        kept = PlainReader.kept(of: evidence.written)
        chunks = PlainReader.chunks(of: kept)
        var closings: [String: [Closing]] = [:]
        for event in kept {
            guard case .control(let control) = event.body, control.closesRequest else { continue }
            closings[event.requestID ?? "", default: []].append(Closing(event: event, control: control))
        }
        self.closings = closings
        runs = Dictionary(grouping: evidence.runs, by: \.turn)
    }

    mutating func find(
        _ kind: Finding.Kind, _ request: SentRequest? = nil, _ subject: String, expected: Any, came: Any
    ) {
        findings.append(
            Finding(kind, evidence.session, step: request?.step, subject, expected: expected, came: came))
    }

    /// How the request's turn ended; nil for what is no turn, or has no end.
    func complete(_ request: SentRequest) -> TurnComplete? { closings[request.id]?.first?.complete }

    func letters(of request: SentRequest) -> [SessionEvidence.Letter] {
        evidence.letters.filter {
            $0.partition == request.partition.partition && $0.offset == request.offset
        }
    }
}
