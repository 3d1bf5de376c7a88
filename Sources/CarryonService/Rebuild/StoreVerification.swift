import Foundation
import SessionStore
import TurnHost

/// Compares a store with one that was built from the topics.
struct StoreVerification {
    let store: any SessionStore
    let rebuilt: any SessionStore
    let topic: String
    /// When the topics began to be read, give or take what workers' clocks differ: sessions that have gone on since are
    /// not compared. Milliseconds since 1970.
    let began: Int64
    /// Why sessions could not be rebuilt as they were.
    let gaps: [String: String]

    /// What came of it.
    final class Outcome {
        var sessions = 0
        var differences: [SessionDifference] = []
        /// Sessions that have gone on meanwhile.
        var busy: [String] = []
    }

    /// - Parameter progress: told how many sessions were compared so far.
    func run(_ progress: (Int) -> Void) async throws -> Outcome {
        let outcome = Outcome()
        try await forEachSession(of: rebuilt) { session in
            try await compare(session, outcome)
            progress(outcome.sessions)
        }
        try await forEachSession(of: store) { session in
            guard try await rebuilt.sessionHead(session) == nil else { return }
            try await compare(session, outcome)
            progress(outcome.sessions)
        }
        return outcome
    }

    private func compare(_ session: String, _ outcome: Outcome) async throws {
        let expected = try await rebuilt.loadSession(session)
        let stored = try await store.loadSession(session)
        // A copy of another session, which no request was ever for.
        if expected == nil, stored?.requestPositions.isEmpty == true { return }
        if let stored, stored.updatedAt >= began, stored.nextSeq > expected?.nextSeq ?? 0 {
            outcome.busy.append(session)
            return
        }
        outcome.sessions += 1
        let partition = expected?.positions.first?.log.partition ?? StoredSession.noPartition
        var found = SessionComparison.differences(
            session, stored, try await finalRuns(of: session, in: store), expected: expected,
            try await finalRuns(of: session, in: rebuilt), topic: topic, partition: partition)
        if let gap = gaps[session] {
            found = [SessionDifference(session: session, what: "history", stored: "unknown", expected: gap)]
        }
        outcome.differences += found
    }

    private func forEachSession(of store: any SessionStore, _ body: (String) async throws -> Void) async throws {
        var cursor: String?
        repeat {
            let page = try await store.listSessions(after: cursor, limit: 1000)
            for session in page.items { try await body(session.id) }
            cursor = page.cursor
        } while cursor != nil
    }

    private func finalRuns(of session: String, in store: any SessionStore) async throws -> [StoredRun] {
        try await store.runs(of: session).filter(\.status.isFinal).reversed()
    }
}
