package import ChatAgent

/// What a turn host is told at its start.
package struct HostOptions: Sendable {
    /// Names the host in the runs it begins.
    package var hostID: String
    package var eventsTopic: String
    package var deadLettersTopic: String
    package var groupID: String
    /// Where the host runs; `nil` if nobody said.
    package var region: String?
    /// How many turns may run at once.
    package var concurrency = 4096
    /// Within which time deltas of one part are merged.
    package var flushWindow: Duration = .milliseconds(20)
    /// The largest value of an event.
    package var maximumEventBytes = 900_000
    /// How many bytes of idle sessions' histories are kept in memory.
    package var sessionCacheBytes = 256 * 1024 * 1024
    /// How long a run may take; `nil` is no limit.
    package var turnTimeout: Duration?
    /// How long a run that was asked to end may go on before it is waited for no longer.
    package var turnTimeoutGrace: Duration = .seconds(10)
    /// How many runs of a turn may end in a crash before the request is given up.
    package var crashAttempts = 3
    /// How many runs of a turn may end for lack of memory before the request is given up.
    package var outOfMemoryAttempts = 2
    /// Where a request goes instead then, for workers with more memory; `nil` if it is set aside.
    package var outOfMemoryTopic: String?
    package var recoveryPolicy: RecoveryPolicy = .continue

    package init(hostID: String, eventsTopic: String, deadLettersTopic: String, groupID: String) {
        self.hostID = hostID
        self.eventsTopic = eventsTopic
        self.deadLettersTopic = deadLettersTopic
        self.groupID = groupID
    }
}
