import SessionStore

extension MemoryDatabase {
    /// Where a page of sessions ended: `UPDATED:ID`.
    private struct SessionCursor {
        var updatedAt: Int64
        var id: String

        init(_ session: StoredSession) {
            updatedAt = session.updatedAt
            id = session.id
        }

        init(text: String) throws(StoreError) {
            let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let updatedAt = Int64(parts[0]) else {
                throw StoreError(
                    code: .invalidCursor, operation: "listing sessions",
                    reason: "the cursor is not one of a list of sessions")
            }
            self.updatedAt = updatedAt
            id = String(parts[1])
        }

        var text: String { "\(updatedAt):\(id)" }

        /// Whether this comes before `other` where the latest update comes first.
        func precedes(_ other: SessionCursor) -> Bool {
            if updatedAt != other.updatedAt { return updatedAt > other.updatedAt }
            return other.id.utf8.lexicographicallyPrecedes(id.utf8)
        }
    }

    func listSessions(after cursor: String?, limit: Int) throws(StoreError) -> Page<SessionSummary> {
        var start: SessionCursor?
        if let cursor { start = try SessionCursor(text: cursor) }
        let found = sessions.values.map(\.stored)
            .filter { session in start.map { $0.precedes(SessionCursor(session)) } ?? true }
            .sorted { SessionCursor($0).precedes(SessionCursor($1)) }
        let page = found.prefix(Self.pageSize(limit))
        let summaries = page.map { session in
            SessionSummary(
                id: session.id, revision: session.revision, turns: session.turns, messageCount: session.messages.count,
                isClosed: session.isClosed, createdAt: session.createdAt, updatedAt: session.updatedAt)
        }
        let next = found.count > page.count ? page.last.map { SessionCursor($0).text } : nil
        return Page(items: summaries, cursor: next)
    }

    func messages(session: String, afterIndex: Int?, limit: Int) -> [StoredMessage] {
        let messages = sessions[session]?.stored.messages ?? []
        guard afterIndex ?? 0 < .max else { return [] }
        return Array(messages.dropFirst(max(0, afterIndex.map { $0 + 1 } ?? 0)).prefix(max(limit, 1)))
    }

    func listRuns(
        session: String?, status: RunStatus?, regions: [String]?, cursor: String?, limit: Int
    ) throws(StoreError) -> Page<StoredRun> {
        var end = runs.count
        if let cursor {
            guard let place = Int(cursor) else {
                throw StoreError(
                    code: .invalidCursor, operation: "listing runs", reason: "the cursor is not one of a list of runs")
            }
            end = min(max(place, 0), runs.count)
        }
        let size = Self.pageSize(limit)
        var found: [(place: Int, run: StoredRun)] = []
        for place in runs.indices.prefix(end).reversed() where found.count <= size {
            let run = runs[place].stored
            guard !runs[place].isDropped, session == nil || run.session == session,
                status == nil || run.status == status
            else { continue }
            if let regions, !(run.region.map(regions.contains) ?? false) { continue }
            found.append((place, run))
        }
        let page = found.prefix(size)
        return Page(items: page.map(\.run), cursor: found.count > size ? page.last.map { String($0.place) } : nil)
    }

    func run(_ id: String) -> StoredRun? {
        guard let parts = StoredRun.parts(ofID: id) else { return nil }
        let places = turns[TurnName(session: parts.session, turn: parts.turn)] ?? []
        return places.first { runs[$0].stored.run == parts.run }.map { runs[$0].stored }
    }

    private static func pageSize(_ limit: Int) -> Int { min(max(limit, 1), 1000) }
}
