import ChatAgent
import Conversation
import Kafka
import LanguageModels
import SessionStore
import TestSupport
import Testing
import TurnHost

/// Random requests, kills, handovers and faults, against what is promised of every history.
@Suite("Random histories")
struct RandomHistoryTests {
    /// What a session's requests must come to.
    private struct Sent {
        var offset: Int64
        var request: Request
    }

    private static let sessions = ["a", "b", "c"]

    @Test(
        "Invariants 2, 3, 5, 7: Whatever comes and whatever dies, every request ends once, in order, and readers see each event once",
        arguments: 0..<12)
    func anything(round: Int) async throws {
        let seed = testSeed() &+ UInt64(round)
        var random = SeededGenerator(seed: seed)
        let comment = Comment("CARRYON_TEST_SEED=\(seed &- UInt64(round)), round \(round)")
        let conductor = try Conductor(partitions: [0, 1]) {
            $0.flushWindow = .zero
            $0.crashAttempts = 1_000
            $0.outOfMemoryAttempts = 1_000
            $0.sessionCacheBytes = 2_000
        }
        conductor.now = 10_000
        var sent: [String: [Sent]] = [:]
        var death: HostDeath?
        var journals: [Journal] = []
        for _ in 0..<10 {
            let agent = RecordingAgent()
            journals.append(agent.journal)
            let host = try await conductor.start(
                agent, killAt: Self.kill(&random), death: Bool.random(using: &random) ? death : nil)
            if Int.random(in: 0..<4, using: &random) == 0 { host.faults.loseAnswer(to: .settle) }
            for _ in 0..<Int.random(in: 0..<4, using: &random) {
                let session = Self.sessions.randomElement(using: &random) ?? "a"
                let requests = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.request(&random) }
                let first = conductor.send(requests, to: session, partition: session == "c" ? 1 : 0)
                for (index, request) in requests.enumerated() {
                    sent[session, default: []].append(Sent(offset: first + Int64(index), request: request))
                }
                for _ in 0..<Int.random(in: 0..<200, using: &random) { await Task.yield() }
            }
            death = nil
            if Bool.random(using: &random), !host.lifeline.isCut {
                try await conductor.revoke(grace: .zero)
                host.bury()
            } else {
                death = conductor.kill(Bool.random(using: &random) ? .crashed : .outOfMemory)
            }
        }
        let last = RecordingAgent()
        journals.append(last.journal)
        try await conductor.start(last, death: death)
        do {
            try await conductor.finish()
        } catch {
            Issue.record(error, comment)
        }
        for (session, requests) in sent {
            try await check(session, requests, conductor, journals, comment)
        }
        #expect(conductor.log.deadLetters.isEmpty, comment)
    }

    private func check(
        _ session: String, _ sent: [Sent], _ conductor: Conductor, _ journals: [Journal], _ comment: Comment
    ) async throws {
        let view = conductor.view(session, partition: session == "c" ? 1 : 0)
        #expect(view.isGapless, comment)

        // Every request that is owed a word has exactly one, and they come in the requests' order.
        let closings = view.events.compactMap { event -> (offset: Int64, subtype: String)? in
            guard case .control(let control) = event.body, Self.closing.contains(control.subtype) else { return nil }
            return (event.requestOffset ?? -1, control.subtype)
        }
        let owed = sent.filter { if case .stop = $0.request.kind { false } else { true } }
        #expect(closings.map(\.offset) == owed.map(\.offset), comment)

        var keys: Set<String> = []
        var isClosed = false
        var expected: [String] = []
        for (one, closing) in zip(owed, closings) {
            let isDuplicate = one.request.idempotencyKey.map { !keys.insert($0).inserted } ?? false
            let isLate = one.request.deadline.map { $0.milliseconds < 10_000 } ?? false
            switch one.request.kind {
            case _ where isDuplicate: #expect(closing.subtype == "duplicate", comment)
            case .close:
                isClosed = true
                #expect(closing.subtype == "closed", comment)
            case _ where isClosed: #expect(closing.subtype == "closed", comment)
            case .action: #expect(closing.subtype == "action-complete", comment)
            case _ where isLate: #expect(closing.subtype == "expired", comment)
            default:
                #expect(closing.subtype == "turn-complete", comment)
                if case .message(let message) = one.request.kind { expected.append(message.id) }
            }
        }
        let history = try await conductor.history(session)
        #expect(history.filter { $0.role == .user }.map(\.id) == expected, comment)
        #expect(Set(history.map(\.id)).count == history.count, comment)
        try checkAnswers(view, history, comment)
    }

    /// What readers put together is what is stored, and what an uninterrupted answer would have begun with.
    private func checkAnswers(_ view: ReaderView, _ history: [Message], _ comment: Comment) throws {
        #expect(view.completes.map(\.turn) == Array(0..<view.completes.count), comment)
        for complete in view.completes {
            let answer = try view.answer(turn: complete.turn)
            if let stored = history.first(where: { $0.id == complete.messageID }) {
                #expect(answer == stored, comment)
            }
            #expect(Self.answers.contains { $0.hasPrefix(answer.text) }, comment)
            if complete.outcome == .completed { #expect(Self.answers.contains(answer.text), comment) }
        }
    }

    private static let closing: Set = ["turn-complete", "action-complete", "duplicate", "expired", "closed"]
    /// What the model says to a message, and to a regenerate with nothing before it.
    private static let answers = [
        (1...8).map(String.init).joined(separator: " "), "You said nothing. This prompt holds 0 messages.",
    ]

    private static func kill(_ random: inout SeededGenerator) -> RunningHost.Kill? {
        guard Int.random(in: 0..<3, using: &random) > 0,
            let step = TurnStep.allCases.filter({ !$0.isOfTools }).randomElement(using: &random)
        else {
            return nil
        }
        return RunningHost.Kill(step: step, occurrence: Int.random(in: 1...4, using: &random))
    }

    private static func request(_ random: inout SeededGenerator) -> Request {
        let kind: Request.Kind
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<3: kind = .regenerate
        case 3..<6: kind = .stop(reason: "enough")
        case 6: kind = .action(.null)
        case 7 where Int.random(in: 0..<5, using: &random) == 0: kind = .close(reason: nil)
        default:
            let id = "u\(random.next() % 1_000_000_000)"
            kind = .message(.user(id: id, text: "#script\ntokens 8"))
        }
        var request = Request(kind: kind)
        if case .stop = kind { return request }
        if Int.random(in: 0..<4, using: &random) == 0 { request.idempotencyKey = "k\(random.next() % 3)" }
        if case .message = kind, Int.random(in: 0..<8, using: &random) == 0 {
            request.deadline = Timestamp(milliseconds: Int64.random(in: 9_990...10_010, using: &random))
        }
        return request
    }
}
