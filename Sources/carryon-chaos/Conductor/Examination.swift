import Conversation
import Foundation
import Kafka
import SessionStore
import TestSupport

/// Collects what is known of every session once all is quiet, and holds it against the ledger.
struct Examination: Sendable {
    private let stage: Stage
    private let plan: ConversationPlan
    private let hasDeaths: Bool
    private let conversations: Conversations
    private let desk: ToolDesk
    private(set) var findings: [Finding] = []
    /// The causes of the recoveries that readers were told of.
    private(set) var recoveries: [String: Int] = [:]
    /// The causes of the dead letters.
    private(set) var letters: [String: Int] = [:]
    private(set) var outcomes: [String: Int] = [:]
    private(set) var runEnds: [String: Int] = [:]
    private(set) var toolCalls = 0
    private(set) var toolCallsAgain = 0
    /// Records that whoever followed the log as it grew was not given, and whoever read it later was: the broker that is
    /// tested with shows a batch before the one in front of it, now and then, when connections are cut.
    private(set) var withheld = 0
    /// Records on the events topic that readers do not keep.
    private(set) var suppressed = 0
    /// Requests that were set aside for deaths that the conductor brought about.
    private(set) var exhausted = 0

    init(_ stage: Stage, _ setting: ChaosSetting, _ conversations: Conversations, _ desk: ToolDesk) {
        self.stage = stage
        plan = setting.conversationPlan
        hasDeaths = setting.faultPlan.moments.contains { $0.fault.kind.mayKill }
        self.conversations = conversations
        self.desk = desk
    }

    func examine() async throws -> Examination {
        var examined = self
        try await examined.collect()
        return examined
    }

    private mutating func collect() async throws {
        let written = try await stage.eventsBySession()
        let requests = try await requests()
        let letters = try await self.letters()
        let executions = desk.executions
        toolCalls = executions.count
        toolCallsAgain = executions.values.reduce(0) { $0 + $1 - 1 }
        let ledger = Ledger(
            crashAttempts: ChaosSetting.crashAttempts, outOfMemoryAttempts: ChaosSetting.outOfMemoryAttempts,
            hasDeaths: hasDeaths)
        for (index, session) in plan.sessions.enumerated() {
            let events = written[session.id] ?? []
            let given = conversations.given(index)
            let evidence = SessionEvidence(
                session: session.id, requests: requests[index], written: events,
                followed: isWithheld(given, of: events)
                    ? Self.followed(events, seed: UInt64(index)) : conversations.followed(index),
                stored: try await stage.store.loadSession(session.id),
                runs: try await runs(of: session.id), letters: letters[session.id] ?? [],
                executions: executions.filter { $0.key.hasPrefix("\(session.id).") })
            findings += ledger.findings(evidence)
            checkGiven(given, evidence)
            count(evidence)
        }
    }

    /// Who follows the log as it grows is given what is in it, neither more nor less.
    private mutating func checkGiven(_ given: [Event], _ evidence: SessionEvidence) {
        guard given != evidence.written else { return }
        if isWithheld(given, of: evidence.written) {
            withheld += evidence.written.count - given.count
            return
        }
        let place = zip(given, evidence.written).enumerated().first { $1.0 != $1.1 }
        let heads = place.map { place in (place.element.0.head, place.element.1.head) }
        findings.append(
            Finding(
                .reading, evidence.session, "what the log gave to whoever followed it, at \(place?.offset ?? -1)",
                expected: heads.map { "\($0.1)" } ?? "\(evidence.written.count) events",
                came: heads.map { "\($0.0)" } ?? "\(given.count) events"))
    }

    /// Whether what was given is what was written, in its order, but for some of it.
    private func isWithheld(_ given: [Event], of written: [Event]) -> Bool {
        guard given.count < written.count else { return false }
        var left = given[...]
        for event in written where event == left.first { left.removeFirst() }
        return left.isEmpty
    }

    /// What a reader has that is given all of it and loses its connection now and then.
    private static func followed(_ events: [Event], seed: UInt64) -> [Event] {
        var reader = FollowingReader(seed: seed)
        for event in events { _ = reader.read(event) }
        return reader.kept
    }

    /// What was sent of each session, in the order of the log, which is what was written: the conductor's own producer
    /// must not repeat itself.
    private mutating func requests() async throws -> [[SentRequest]] {
        var log = Dictionary(grouping: try await stage.records(on: Stage.requests)) { $0.keyString ?? "" }
        for key in log.keys { log[key]?.sort { $0.offset < $1.offset } }
        return plan.sessions.indices.map { index in
            let session = plan.sessions[index].id
            let sent = conversations.requests(of: index)
            let (requests, strangers) = Self.matched(sent, with: log[session] ?? [])
            if !strangers.isEmpty || requests.contains(where: { $0.offset < 0 }) {
                findings.append(
                    Finding(
                        .conduct, session, "the session's records on the requests topic", expected: sent.count,
                        came: (log[session] ?? []).map(\.offset)))
            }
            return requests.sorted { $0.offset < $1.offset }
        }
    }

    /// Finds the offsets that the broker did not name, and the records that nobody sent.
    static func matched(
        _ sent: [SentRequest], with records: [KafkaRecord]
    ) -> (requests: [SentRequest], strangers: [KafkaRecord]) {
        var left = records
        var requests = sent
        // What garbage is to be found by is its place alone, so those whose offset is known come first.
        let order = requests.indices.sorted { (requests[$0].offset < 0 ? 1 : 0) < (requests[$1].offset < 0 ? 1 : 0) }
        for index in order {
            let (role, offset) = (requests[index].role, requests[index].offset)
            let place = left.firstIndex { record in
                let id = record.value.flatMap { try? JSON(parsing: $0) }?.objectValue?["id"]?.stringValue
                return role == .garbage
                    ? id == nil && (offset < 0 || offset == record.offset) : id == requests[index].id
            }
            requests[index].offset = place.map { left.remove(at: $0).offset } ?? -1
        }
        return (requests, left)
    }

    private mutating func letters() async throws -> [String: [SessionEvidence.Letter]] {
        var letters: [String: [SessionEvidence.Letter]] = [:]
        for record in try await stage.records(on: Stage.deadLetters) {
            let cause = record.headerString("cause") ?? "none"
            guard let session = record.keyString,
                let partition = record.headerString("kafka_dlt-original-partition").flatMap({ Int32($0) }),
                let offset = record.headerString("kafka_dlt-original-offset").flatMap({ Int64($0) })
            else {
                findings.append(
                    Finding(
                        .deadLetter, record.keyString, "a dead letter's headers", expected: "its origin",
                        came: record.headers))
                continue
            }
            self.letters[cause, default: 0] += 1
            letters[session, default: []].append(
                SessionEvidence.Letter(
                    partition: partition, offset: offset, cause: cause,
                    attempts: record.headerString("attempts").flatMap { Int($0) }))
        }
        return letters
    }

    private func runs(of session: String) async throws -> [StoredRun] {
        try await stage.store.runs(of: session).sorted { ($0.turn, $0.run) < ($1.turn, $1.run) }
    }

    private mutating func count(_ evidence: SessionEvidence) {
        let kept = PlainReader.kept(of: evidence.written)
        suppressed += evidence.written.count - kept.count
        for event in kept {
            guard case .control(let control) = event.body else { continue }
            switch control {
            case .recovered(let cause, _, _, _): recoveries[cause, default: 0] += 1
            case .turnComplete(let complete):
                outcomes[complete.outcome.rawValue, default: 0] += 1
                guard complete.outcome == .deadLettered,
                    let request = evidence.requests.first(where: { $0.id == event.requestID })
                else { continue }
                if case .message(_, isPoison: true) = request.role { continue }
                exhausted += 1
            default: continue
            }
        }
        for run in evidence.runs { if let kind = run.causeKind { runEnds[kind.rawValue, default: 0] += 1 } }
    }
}
