package import Kafka
package import SessionStore

/// Up to where sessions are settled in a log, looked up once for each.
package struct SettledOffsets: Sendable {
    private typealias Known = (position: Int64, ahead: Set<Int64>)

    private static let lanes = 16

    private let store: any SessionStore
    private let log: LogIdentity
    private var known: [String: Known] = [:]

    package init(store: any SessionStore, log: LogIdentity) {
        self.store = store
        self.log = log
    }

    /// Looks up the sessions of these requests that it does not know yet.
    /// - Throws: what the store throws.
    package mutating func learn(_ records: [KafkaRecord]) async throws {
        var unknown: Set<String> = []
        for case let session? in records.lazy.map(\.keyString) where known[session] == nil { unknown.insert(session) }
        let (store, log) = (store, log)
        try await inLanes(unknown, lanes: Self.lanes) { session in
            (session, try await Self.look(session, store, log))
        } take: { session, found in
            known[session] = found
        }
    }

    private static func look(_ session: String, _ store: any SessionStore, _ log: LogIdentity) async throws -> Known {
        // The log that was settled in last comes first; what a session has said is not looked at.
        var stored = try await store.sessionHead(session)
        if stored != nil, stored?.positions.first?.log != log { stored = try await store.loadSession(session) }
        let ahead = stored?.appliedAhead.filter { $0.log == log }.map(\.offset) ?? []
        return (stored?.positions.first { $0.log == log }?.offset ?? -1, Set(ahead))
    }

    /// Whether the session's request at `offset` is settled; `false` for a session that was not looked up.
    package func contains(_ offset: Int64, of session: String) -> Bool {
        guard let found = known[session] else { return false }
        return offset <= found.position || found.ahead.contains(offset)
    }
}
