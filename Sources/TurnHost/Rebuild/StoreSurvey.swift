package import Conversation
package import Kafka
package import SessionStore

/// Looks through a partition's requests for those that a store has not settled, and finds from where on the events say
/// whether they were settled all the same. Where the store has everything, no event is read.
package struct StoreSurvey: Sendable {
    private static let lanes = 16

    /// How many requests there were, up to the first that is not settled.
    package private(set) var read = 0
    /// How many of these are settled.
    package private(set) var settled = 0
    /// How many of these are no requests.
    package private(set) var undecodable = 0
    /// The offset of the first request that is not settled; `nil` if all are.
    package private(set) var first: Int64?

    private let store: any SessionStore
    private let log: LogIdentity
    private var offsets: SettledOffsets
    private var sessions: Set<String> = []

    /// - Parameter log: the requests' partition as the store knows it.
    package init(store: any SessionStore, log: LogIdentity) {
        self.store = store
        self.log = log
        offsets = SettledOffsets(store: store, log: log)
    }

    /// Takes the requests that follow.
    /// - Throws: what the store throws.
    package mutating func take(_ records: [KafkaRecord]) async throws {
        try await offsets.learn(records)
        for record in records { take(record) }
    }

    private mutating func take(_ record: KafkaRecord) {
        let isSettled = record.keyString.map { offsets.contains(record.offset, of: $0) } ?? false
        let found = isSettled ? nil : record.sessionRequest
        if let found {
            first = first ?? record.offset
            if found.request.leavesPosition { sessions.insert(found.session) }
        }
        guard first == nil else { return }
        read += 1
        if isSettled { settled += 1 } else { undecodable += 1 }
    }

    /// What has to be built again before the requests that are not settled may be carried out; `nil` if the events can't
    /// have anything of them.
    /// - Throws: what the store throws.
    package func scope() async throws -> RebuildScope? {
        guard let first, !sessions.isEmpty else { return nil }
        var scope = RebuildScope(sessions: sessions, knownSeqs: [:], firstEvent: .max, firstRequest: first)
        let (store, log) = (store, log)
        try await inLanes(sessions, lanes: Self.lanes) { session in
            (session, try await Self.start(of: session, store, log))
        } take: { session, start in
            scope.firstEvent = min(scope.firstEvent, start.offset)
            scope.knownSeqs[session] = start.seq
        }
        return scope
    }

    /// Where a session's events begin that the store may lack, and the first of them that it knows.
    private static func start(
        of session: String, _ store: any SessionStore, _ log: LogIdentity
    ) async throws -> (offset: Int64, seq: Int64?) {
        let runs = try await store.listRuns(session: session, status: nil, regions: nil, cursor: nil, limit: 20).items
        // Runs of an unsettled turn are newer than the last settled one; they may have died before their first event.
        guard let last = runs.first(where: \.status.isFinal), runs.allSatisfy({ $0.position.log == log }) else {
            return (0, nil)
        }
        return (last.eventsStart, last.firstSeq)
    }
}

extension KafkaRecord {
    /// The request and whose it is; `nil` if the record is none.
    package var sessionRequest: (session: String, request: Request)? {
        guard let key, let session = try? SessionID.validate(key), let request = try? decodedRequest() else {
            return nil
        }
        return (session, request)
    }
}
