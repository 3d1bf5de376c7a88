/// What came of building sessions again from the topics.
package struct RebuildReport: Sendable, Hashable {
    /// Why a session can't be built again as it was.
    package struct Gap: Sendable, Hashable {
        package var session: String
        package var reason: String

        package init(session: String, reason: String) {
            self.session = session
            self.reason = reason
        }
    }

    /// Sessions of which anything was found.
    package var sessions = 0
    /// Turns that were settled.
    package var turns = 0
    /// Requests that were settled without a turn.
    package var otherRequests = 0
    /// Requests that the store had settled already.
    package var alreadyThere = 0
    /// Turns that were begun and not settled: they go on when their requests are read.
    package var openTurns = 0
    package var events = 0
    package var requests = 0
    package var gaps: [Gap] = []

    package init() {}

    package mutating func add(_ other: RebuildReport) {
        sessions += other.sessions
        turns += other.turns
        otherRequests += other.otherRequests
        alreadyThere += other.alreadyThere
        openTurns += other.openTurns
        events += other.events
        requests += other.requests
        gaps += other.gaps
    }
}
