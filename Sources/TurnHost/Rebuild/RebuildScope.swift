/// What of a partition is built again, if the store has the rest.
package struct RebuildScope: Sendable, Hashable {
    /// Nobody else's.
    package var sessions: Set<String>
    /// Events that are known to stand at or behind `firstEvent`, by their sessions: each session's last settled run began
    /// with it.
    package var knownSeqs: [String: Int64]
    /// The offset from which the events are read.
    package var firstEvent: Int64
    /// The offset from which the requests are read: those before it are settled.
    package var firstRequest: Int64

    /// The same sessions, with all events that there are.
    package var readingAllEvents: RebuildScope {
        RebuildScope(sessions: sessions, knownSeqs: [:], firstEvent: 0, firstRequest: firstRequest)
    }

    /// An event that the store knows of is not where it should be: the events topic was made again, or has lost it.
    package struct Misplaced: Error, Hashable, CustomStringConvertible {
        package var session: String
        package var seq: Int64

        package var description: String { "the event \(seq) of the session '\(session)' is not where the store has it" }
    }
}
