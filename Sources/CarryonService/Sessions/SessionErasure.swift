import SessionStore

/// Takes what was said out of a session, for good: its messages, and what the agent keeps beside them.
///
/// What is left is a closed session without a word in it: its id, how many turns it had, when its runs ran and how they ended, and
/// the positions and keys of its requests, by which a request that comes again is known to be settled. A turn that runs meanwhile can't
/// settle: its request is closed.
struct SessionErasure: Sendable {
    let session: String
    let messages: Int
    let turns: Int
    let isRunning: Bool
    /// Partitions in which requests of the session were settled or begun, and its events were written.
    let partitions: [Int32]

    init(_ stored: StoredSession) {
        session = stored.id
        messages = stored.messages.count
        turns = stored.turns
        isRunning = !stored.openRuns.isEmpty
        partitions = Set(stored.requestPositions.map(\.log.partition) + stored.openRuns.map(\.position.log.partition))
            .sorted()
    }

    /// The branches that `carryon replay again` has made of the session: its old histories.
    static func branches(of id: String, in store: any SessionStore) async throws -> [String] {
        var found: [String] = []
        var cursor: String?
        repeat {
            let page = try await store.listSessions(after: cursor, limit: 1000)
            // One that was erased before is left as it is.
            found += page.items.filter { $0.messageCount > 0 && TurnsAgain.isBranch($0.id, of: id) }.map(\.id)
            cursor = page.cursor
        } while cursor != nil
        return found.sorted()
    }

    /// Erases the session as it is by now, however often a worker settles something of it at the same time.
    /// - Parameter now: milliseconds since 1970.
    /// - Throws: ``CommandFailure`` if there is no such session, or it changes again and again; what the store says.
    static func apply(to id: String, in store: any SessionStore, now: @Sendable () -> Int64) async throws {
        for _ in 0..<20 {
            let stored = try await store.existing(id)
            let (position, fence) = try await store.takeOperator()
            let settlement = Settlement(
                session: id, expectedRevision: stored.revision, fence: fence, position: position, fingerprint: nil,
                history: HistoryChange(keep: 0), state: [], turns: stored.turns, nextSeq: stored.nextSeq,
                isClosed: true, at: now())
            if case .written = try await store.settle(settlement) { return }
        }
        throw CommandFailure(.failed, "the session '\(id)' changes all the time; try again")
    }
}
