import Conversation
import Kafka
import SessionStore

/// One turn as it should be found.
struct ExpectedTurn: Sendable {
    let question: String
    let answer: String
}

extension Cluster {
    /// Checks that the session holds exactly these turns, once and in order; that a reader has the same of the events,
    /// without a gap; and that each turn is told to be complete once (invariants 2 and 5).
    /// - Parameter records: the events topic's, if they have been read already.
    /// - Returns: the events, for what else a test wants to know of them.
    @discardableResult
    func checkConversation(
        _ session: String, _ turns: [ExpectedTurn], records: [KafkaRecord]? = nil
    ) async throws -> SessionEvents {
        guard let stored = try await store.loadSession(session) else {
            throw Discrepancy("session \(session)", expected: "it in the store", came: "nothing")
        }
        let messages = try stored.messages.map { try Message(parsing: $0.body) }
        try require(
            "the transcript of \(session)", messages.map { "\($0.role.rawValue): \($0.text)" },
            equals: turns.flatMap { ["user: \($0.question)", "assistant: \($0.answer)"] })
        try require("the turns of \(session)", stored.turns, equals: turns.count)
        try require("unsettled runs of \(session)", stored.openRuns.map(\.id), equals: [])

        let events: SessionEvents
        if let records {
            events = try SessionEvents(session: session, records: records)
        } else {
            events = try await self.events(of: session)
        }
        try events.checkGapless()
        try require("nextSeq of \(session)", stored.nextSeq, equals: Int64(events.kept.count) + 1)
        let complete = events.turnsCompleted
        try require("turn-complete records of \(session)", complete.map(\.turn), equals: Array(0..<turns.count))
        try require(
            "the outcomes of \(session)", complete.map(\.outcome), equals: turns.map { _ in .completed })
        let answers = messages.filter { $0.role == .assistant }
        for turn in turns.indices {
            let read = try events.answer(turn: turn)
            try require("what a reader has of \(session), turn \(turn)", read.text, equals: turns[turn].answer)
            try require("the message of \(session), turn \(turn)", read, equals: answers[turn])
            let last = events.kept.last { $0.turn == turn }
            guard case .control(.turnComplete)? = last?.body else {
                throw Discrepancy("the last event of turn \(turn)", expected: "turn-complete", came: last as Any)
            }
        }
        return events
    }
}

/// A program of the scripted model that counts, and what it says.
enum Counting {
    static func program(to count: Int, every interval: String) -> String { "#script\ntokens \(count) \(interval)" }

    static func answer(to count: Int) -> String { (1...count).map(String.init).joined(separator: " ") }
}
