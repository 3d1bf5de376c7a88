/// How a turn host is, as it answers when its consumer asks. That it answers at all is the first of it: the answer comes
/// from where turns run.
package struct HostVitals: Sendable, Hashable {
    /// Turns, actions and preloads that run.
    package var running: Int
    /// Sessions held in memory, busy or idle.
    package var sessions: Int
    /// How long the one of them has been running that began first.
    package var oldestTurn: Duration?
    /// Whose it is.
    package var oldestSession: String?
    /// How long events have been on their way without any being acknowledged.
    package var eventsStalled: Duration?
    /// Records that the host has handed to its producer and that are not acknowledged.
    package var eventsOutstanding: Int
    /// How long the session store has been failing.
    package var storeAway: Duration?

    package init(
        running: Int = 0, sessions: Int = 0, oldestTurn: Duration? = nil, oldestSession: String? = nil,
        eventsStalled: Duration? = nil, eventsOutstanding: Int = 0, storeAway: Duration? = nil
    ) {
        self.running = running
        self.sessions = sessions
        self.oldestTurn = oldestTurn
        self.oldestSession = oldestSession
        self.eventsStalled = eventsStalled
        self.eventsOutstanding = eventsOutstanding
        self.storeAway = storeAway
    }
}
