import Conversation
import Kafka

/// The requests of a partition, found by their offsets as the events tell of them: read once, and held until their
/// sessions have gone past them.
///
/// What is held at a time is as much as the workers may have had in flight, and the last unanswered requests of each
/// session.
struct RequestLookahead {
    private let source: any RecordSource
    private let sessions: Set<String>?
    private var waiting: [String: [RebuiltRequest]] = [:]
    private var readUpTo: Int64 = -1
    private var isAtEnd = false
    /// How many records were read.
    private(set) var count = 0

    /// - Parameter sessions: whose requests are held; `nil` for everybody's.
    init(_ source: any RecordSource, of sessions: Set<String>?) {
        self.source = source
        self.sessions = sessions
    }

    /// The session's requests up to `offset`, in order; they are held no longer.
    mutating func take(_ session: String, upTo offset: Int64) async throws -> [RebuiltRequest] {
        try await read(through: offset)
        guard let all = waiting[session] else { return [] }
        let rest = all.drop { $0.record.offset <= offset }
        waiting[session] = rest.isEmpty ? nil : Array(rest)
        return Array(all.prefix(all.count - rest.count))
    }

    /// Reads to the partition's end.
    /// - Returns: what no session has gone past, by session.
    mutating func rest() async throws -> [String: [RebuiltRequest]] {
        try await read(through: .max)
        defer { waiting = [:] }
        return waiting
    }

    private mutating func read(through offset: Int64) async throws {
        while readUpTo < offset, !isAtEnd {
            guard let records = try await source.next() else {
                isAtEnd = true
                return
            }
            for record in records {
                readUpTo = record.offset
                count += 1
                // What can't be read was set aside, and is nothing to a session.
                guard let (session, request) = record.sessionRequest, sessions?.contains(session) ?? true else {
                    continue
                }
                waiting[session, default: []].append(RebuiltRequest(record, request))
            }
        }
    }
}
