import Conversation
import Kafka
import SessionStore

@testable import carryon_chaos

/// A session's evidence, written by hand: what an orderly service would leave behind, until a test spoils it.
struct FabricatedSession {
    static let partition = TopicPartition(topic: "requests", partition: 3)
    static let budgets = Ledger(crashAttempts: 3, outOfMemoryAttempts: 2)

    var evidence = SessionEvidence(
        session: "s0", requests: [], written: [], followed: [], stored: nil, runs: [], letters: [], executions: [:])
    private var history: [Message] = []
    private var turn = 0
    private var nextSeq: Int64 = 1

    var nextOffset: Int64 { Int64(evidence.requests.count) * 2 }

    /// What the ledger finds, once both readers and the store have what was written, unless told otherwise.
    func findings(isStored: Bool = true, by ledger: Ledger = budgets) -> [Finding] {
        var evidence = evidence
        if evidence.followed.isEmpty { evidence.followed = PlainReader.kept(of: evidence.written) }
        if isStored, evidence.stored == nil { evidence.stored = stored }
        return ledger.findings(evidence)
    }

    var kinds: [Finding.Kind] { findings().map(\.kind) }

    /// What the store would have.
    var stored: StoredSession {
        StoredSession(
            id: "s0", revision: Int64(turn), turns: turn, nextSeq: nextSeq,
            messages: history.map {
                StoredMessage(id: $0.id, role: $0.role.rawValue, turn: 0, body: $0.serialized())
            })
    }

    @discardableResult
    mutating func send(_ role: SentRequest.Role, id: String? = nil) -> SentRequest {
        let index = evidence.requests.count
        let request = SentRequest(
            session: "s0", step: index, id: id ?? "r\(index)", messageID: "m\(index)", role: role,
            partition: Self.partition, offset: nextOffset)
        evidence.requests.append(request)
        return request
    }

    mutating func write(
        _ body: Event.Body, of request: SentRequest, turn: Int? = nil, run: Int? = nil, seq: Int64? = nil
    ) {
        evidence.written.append(
            Event(
                session: "s0", seq: seq ?? nextSeq, turn: turn, run: run, requestID: request.id,
                requestOffset: request.offset, body: body))
        if seq == nil { nextSeq += 1 }
    }

    /// A turn as it should be: the whole answer, by one run, or by the last of some.
    @discardableResult
    mutating func answer(
        _ text: String, says: String? = nil, isPoison: Bool = false, outcome: TurnOutcome = .completed,
        stopped: Bool = false, ends: [RunEnd] = []
    ) -> SentRequest {
        let request = send(.message(text, isPoison: isPoison))
        history.append(.user(id: request.messageID ?? "", text: text))
        let whole = ExpectedAnswer.to(text, messageID: request.messageID ?? "", promptCount: history.count)
        let said = says ?? whole.pieces.compactMap { if case .text(let text) = $0 { text } else { nil } }.joined()
        begin(request, ends)
        let run = ends.count + 1
        write(.chunk(.textStart(id: "t1")), of: request, turn: turn, run: run)
        for word in said.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
            let delta = (word.offset == 0 ? "" : " ") + word.element
            write(.chunk(.textDelta(id: "t1", delta: delta)), of: request, turn: turn, run: run)
        }
        if !said.isEmpty { history.append(Message(id: "a\(turn)", role: .assistant, parts: [.text(said)])) }
        end(request, outcome: outcome, stopped: stopped, run: run)
        return request
    }

    mutating func begin(_ request: SentRequest, _ ends: [RunEnd]) {
        for (index, end) in ends.enumerated() {
            evidence.runs.append(run(request, index + 1, .interrupted, end: end))
            write(
                .control(.turnStart(turn: turn, run: index + 1, messageID: "a")), of: request, turn: turn,
                run: index + 1)
        }
        write(
            .control(.turnStart(turn: turn, run: ends.count + 1, messageID: "a")), of: request, turn: turn,
            run: ends.count + 1)
    }

    mutating func end(_ request: SentRequest, outcome: TurnOutcome, stopped: Bool = false, run number: Int) {
        let complete = TurnComplete(turn: turn, outcome: outcome, finishReason: .stop, stopped: stopped)
        write(.control(.turnComplete(complete)), of: request, turn: turn, run: number)
        let status: RunStatus =
            switch outcome {
            case .completed: .completed
            case .stopped: .stopped
            case .failed: .failed
            case .deadLettered: .deadLettered
            }
        var last = run(request, number, status, end: nil)
        last.outcome = outcome.rawValue
        evidence.runs.append(last)
        turn += 1
    }

    private func run(_ request: SentRequest, _ number: Int, _ status: RunStatus, end: RunEnd?) -> StoredRun {
        let log = LogIdentity(cluster: "c", topic: "requests", partition: 3, epoch: 0)
        return StoredRun(
            session: "s0", turn: turn, run: number, status: status, causeKind: end, host: "h", requestID: request.id,
            position: LogPosition(log: log, offset: request.offset), firstSeq: 1, eventsStart: 0, startedAt: 0)
    }

    mutating func letter(_ request: SentRequest, cause: String, attempts: Int? = nil) {
        evidence.letters.append(
            SessionEvidence.Letter(
                partition: Self.partition.partition, offset: request.offset, cause: cause, attempts: attempts))
    }
}
