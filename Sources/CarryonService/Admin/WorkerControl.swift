import SessionStore

/// What an operator can have a worker do.
protocol WorkerControl: Sendable {
    /// Pauses a partition of the requests topic, or says why anew.
    /// - Returns: nil, and nothing is paused, if the topic has no such partition.
    func pause(partition: Int32, because reason: String) async -> PausedPartition?

    /// - Returns: nil if the topic has no such partition.
    func resume(partition: Int32) async -> PausedPartition?

    /// Parks a session at all workers of the store; at this one before it returns.
    func park(session: String, because reason: String) async throws(StoreError) -> ParkedSession

    /// Has what was set aside of a session sent again, and ends its park after that.
    /// - Returns: nil if it is not parked.
    func release(session: String) async throws(StoreError) -> ParkedSession?

    func parkedSessions() async throws(StoreError) -> [ParkedSession]
}

/// What a worker makes of one partition.
struct PausedPartition: Sendable, Hashable {
    var partition: Int32
    /// Whether it is this worker's at the moment. If it comes to it later, the pause holds then.
    var isAssigned: Bool
    /// Why it is paused; nil if it is not.
    var reason: String?
}
