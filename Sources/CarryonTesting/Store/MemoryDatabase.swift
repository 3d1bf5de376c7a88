import SessionStore

/// What a session store holds, as a value: sessions, their runs, the fences and what is known of each log.
///
/// A write makes all its checks before its first change, so that one that is refused leaves no trace.
struct MemoryDatabase: Sendable {
    /// A fence is taken of a group's partition.
    struct FencedPartition: Hashable, Sendable {
        var group: String
        var log: PartitionName
    }

    /// A partition, whatever log is in it at the moment.
    struct PartitionName: Hashable, Sendable {
        var cluster: String
        var topic: String
        var partition: Int32
    }

    struct Session: Sendable {
        var stored: StoredSession
        var idempotencyKeys: [String: LogPosition] = [:]
    }

    struct Run: Sendable {
        var stored: StoredRun
        /// Its turn is not settled.
        var isOpen = true
        /// It was forgotten, and keeps its place only so that those of others stay.
        var isDropped = false
    }

    struct TurnName: Hashable, Sendable {
        var session: String
        var turn: Int
    }

    var fences: [FencedPartition: Int64] = [:]
    var sessions: [String: Session] = [:]
    /// In the order in which they began.
    var runs: [Run] = []
    /// The places of each turn's runs in `runs`, by run number.
    var turns: [TurnName: [Int]] = [:]
    /// The places of the open runs, in the order in which they began.
    var openRuns: [String: [Int]] = [:]
    var logs: [PartitionName: [Int64: SettledMark?]] = [:]
    var parks: [String: ParkedSession] = [:]

    mutating func takeFence(_ partition: FencedPartition) -> Fence {
        let token = (fences[partition] ?? 0) + 1
        fences[partition] = token
        return Fence(
            group: partition.group, cluster: partition.log.cluster, topic: partition.log.topic,
            partition: partition.log.partition, token: token)
    }

    /// Nil if `fence` is the newest, else the refusal.
    func refusal(of fence: Fence) -> WriteResult? {
        let current = fences[FencedPartition(fence)] ?? 0
        return current == fence.token ? nil : .fenced(current: current)
    }

    func load(_ id: String) -> StoredSession? {
        let open = (openRuns[id] ?? []).map { runs[$0].stored }.sorted { ($0.turn, $0.run) < ($1.turn, $1.run) }
        guard var session = sessions[id]?.stored else {
            return open.isEmpty ? nil : StoredSession(id: id, openRuns: open)
        }
        session.openRuns = open
        return session
    }

    func openRuns(in log: LogIdentity) -> [StoredRun] {
        openRuns.values.joined().filter { runs[$0].stored.position.log == log }.sorted().map { runs[$0].stored }
    }

    static func wrongPartition(_ session: String) -> WriteResult {
        .conflict(reason: "the fence is of another partition than the request of session \(session)")
    }

    static func wrongRevision(_ session: String, expected: Int64, found: Int64) -> WriteResult {
        .conflict(reason: "session \(session) is at revision \(found), not \(expected)")
    }
}

extension MemoryDatabase.FencedPartition {
    init(_ fence: Fence) {
        self.init(
            group: fence.group, log: .init(cluster: fence.cluster, topic: fence.topic, partition: fence.partition))
    }
}

extension MemoryDatabase.PartitionName {
    init(_ log: LogIdentity) {
        self.init(cluster: log.cluster, topic: log.topic, partition: log.partition)
    }
}

extension Fence {
    /// Whether this fence is of the partition that `log` is in, whatever the log's epoch.
    func isOf(_ log: LogIdentity) -> Bool {
        MemoryDatabase.FencedPartition(self).log == MemoryDatabase.PartitionName(log)
    }
}
