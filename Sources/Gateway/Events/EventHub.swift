import Conversation
import Kafka
import Logging
import SessionStore

/// Follows the partitions of the events topic that have readers, and hands each session's records to its feed.
///
/// However many readers a session has, it has one feed; however many feeds a partition has, it is read once. A feed
/// outlives its last reader by a while, for the one that comes back.
actor EventHub {
    private struct Entry {
        let feed: SessionFeed
        let ready: Task<Void, any Error>
        /// The partitions that the session's events may come from.
        var partitions: Set<Int32> = []
        /// Nobody knows yet which of the partitions it is.
        var isSought = false
        var readers = 0
        var idleSince: ContinuousClock.Instant?
        /// The smallest seq that the feed was made to reach back to.
        var reachesBackTo = Int64.max
        var reaching: Task<Void, any Error>?
    }

    /// A partition that is read.
    private struct Tail {
        /// The next offset to be read; unknown until the first answer.
        var next: Int64?
        /// Since when no feed needs it: readers come and go, and each change of what is read costs a fetch.
        var idleSince: ContinuousClock.Instant?
    }

    private let topic: String
    private let properties: KafkaProperties
    private let store: any SessionStore
    private let history: EventHistory
    private let ringBytes: Int
    private let patience: Duration
    private let logger: Logger

    private var entries: [[UInt8]: Entry] = [:]
    private var tails: [Int32: Tail] = [:]
    private var hasChanged = false
    private var isClosed = false
    private var partitionCount: Int?
    /// Where the broker said that a session's requests went.
    private var homes: [[UInt8]: Int32] = [:]
    /// Who looks again at the next change.
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// How long a feed stays without a reader.
    private static let lingering = Duration.seconds(30)

    init(
        topic: String, properties: KafkaProperties, store: any SessionStore, history: EventHistory, ringBytes: Int,
        patience: Duration, logger: Logger
    ) {
        self.topic = topic
        self.properties = properties
        self.store = store
        self.history = history
        self.ringBytes = ringBytes
        self.patience = patience
        self.logger = logger
    }

    // MARK: Readers

    /// The session's feed, caught up with its newest turn. Every call is to be followed by one of ``leave(_:)``.
    /// - Throws: ``GatewayError`` if the brokers do not answer; what the store says.
    func join(_ session: String) async throws -> SessionFeed {
        let key = Array(session.utf8)
        guard !isClosed else { throw GatewayError.unavailable("gateway") }
        if entries[key] == nil {
            let feed = SessionFeed(session: session, capacity: ringBytes)
            entries[key] = Entry(feed: feed, ready: Task { try await self.prepare(feed, key) })
            changed()
        }
        entries[key]?.readers += 1
        entries[key]?.idleSince = nil
        guard let entry = entries[key] else { throw GatewayError.unavailable("gateway") }
        do {
            try await entry.ready.value
            return entry.feed
        } catch {
            if entries[key]?.feed === entry.feed { entries[key] = nil }
            throw error
        }
    }

    /// A reader of the session has gone.
    func leave(_ feed: SessionFeed) {
        let key = Array(feed.session.utf8)
        guard var entry = entries[key], entry.feed === feed else { return }
        entry.readers -= 1
        if entry.readers <= 0 { entry.idleSince = .now }
        entries[key] = entry
    }

    /// Makes the feed reach back to what follows `seq`, if that is not too much to keep; all who ask meanwhile share it.
    func reachBack(_ feed: SessionFeed, to seq: Int64) async throws {
        let key = Array(feed.session.utf8)
        guard let entry = entries[key], entry.feed === feed else { return }
        if let running = entry.reaching { return try await running.value }
        guard seq < feed.covered, seq < entry.reachesBackTo else { return }
        let task = Task { try await self.catchUp(feed, after: seq) }
        entries[key]?.reachesBackTo = seq
        entries[key]?.reaching = task
        do {
            try await task.value
            if entries[key]?.feed === feed { entries[key]?.reaching = nil }
        } catch {
            // It has nothing now: its readers come back to another one.
            drop(feed, key)
            throw error
        }
    }

    /// Ends the streams of a feed that can't go on.
    private func drop(_ feed: SessionFeed, _ key: [UInt8]) {
        if entries[key]?.feed === feed { entries[key] = nil }
        feed.close()
    }

    /// A request of the session was written to this partition, where its answer will be.
    func sent(_ session: String, _ partition: Int32) {
        let key = Array(session.utf8)
        if let entry = entries[key], !entry.partitions.isEmpty {
            if entry.isSought { return found(key, partition) }
            if entry.partitions.contains(partition) { return }
            // Its answers come from where nobody has read: the readers come back, and read there too.
            drop(entry.feed, key)
        }
        if homes.count > 10_000 { homes.removeAll() }
        homes[key] = partition
    }

    /// The partition of a session that was sought in all of them.
    private func found(_ key: [UInt8], _ partition: Int32) {
        entries[key]?.isSought = false
        entries[key]?.partitions = [partition]
    }

    /// Figures for people and for metrics.
    var figures: (sessions: Int, partitions: Int) { (entries.count, tails.count) }

    // MARK: Preparing a feed

    /// Follows the session's partition first, so that nothing is missed between what is read and what comes.
    private func prepare(_ feed: SessionFeed, _ key: [UInt8]) async throws {
        let session = feed.session
        let head = try await store.sessionHead(session)
        var partitions = Set(head?.requestPositions.map(\.log.partition) ?? [])
        partitions.formUnion(head?.openRuns.map(\.position.log.partition) ?? [])
        // Nobody knows the partition of a session that there is nothing of: its producer chooses.
        let isSought = partitions.isEmpty && homes[key] == nil
        if isSought { partitions = Set(0..<Int32(try await countPartitions())) }
        if let home = homes.removeValue(forKey: key) {
            partitions = isSought ? [home] : partitions.union([home])
        }
        entries[key]?.isSought = isSought && partitions.count > 1
        entries[key]?.partitions = partitions
        follow(partitions)
        try await untilFollowed(partitions)
        try await catchUp(feed, after: nil)
    }

    /// - Parameter seq: what the feed is to reach back to; `nil` is the newest turn.
    private func catchUp(_ feed: SessionFeed, after seq: Int64?) async throws {
        feed.beginAgain()
        do {
            let covered = try await history.replay(feed.session, after: seq) { feed.replay($0) }
            feed.endCatchUp(covered: covered)
        } catch {
            feed.endCatchUp(covered: .max)
            throw error
        }
    }

    private func follow(_ partitions: Set<Int32>) {
        for partition in partitions where tails[partition] == nil {
            tails[partition] = Tail()
            hasChanged = true
        }
        changed()
    }

    /// Returns once each of the partitions is being read.
    private func untilFollowed(_ partitions: Set<Int32>) async throws {
        try await until { partitions.allSatisfy { tails[$0]?.next != nil } }
    }

    private func countPartitions() async throws -> Int {
        try await until { partitionCount != nil }
        return partitionCount ?? 0
    }

    /// Looks at every change whether it is so.
    /// - Throws: ``GatewayError`` if that takes too long, or the hub is closed.
    private func until(_ condition: () -> Bool) async throws {
        let deadline = ContinuousClock.now + patience
        while !condition() {
            if isClosed { throw GatewayError.unavailable("gateway") }
            guard ContinuousClock.now < deadline else { throw GatewayError.unavailable("broker") }
            await change()
        }
    }

    /// Returns at the next change, and at the next tick.
    private func change() async {
        await withCheckedContinuation { waiting.append($0) }
    }

    private func changed() {
        let all = waiting
        waiting = []
        for one in all { one.resume() }
    }

    // MARK: Reading

    /// Reads until ``close()`` or the task's end. Brokers that are away are waited for.
    func run() async {
        while !isClosed, !Task.isCancelled {
            do {
                let follower = try await KafkaFollower.start(properties, logger: logger)
                await pump(follower)
                await follower.close()
            } catch {
                logger.error("The events can't be read.", metadata: ["error": "\(error)"])
            }
            // Read again from where it was: a client that failed is replaced.
            hasChanged = true
            if !isClosed { try? await Task.sleep(for: .seconds(1)) }
            changed()
        }
    }

    private func pump(_ follower: KafkaFollower) async {
        hasChanged = true
        var lastLook = ContinuousClock.now
        while !isClosed, !Task.isCancelled {
            do {
                if partitionCount == nil {
                    partitionCount = try? await follower.partitionCount(of: topic)
                    changed()
                }
                if hasChanged {
                    hasChanged = false
                    try await follower.follow(assignment)
                }
                if tails.isEmpty, partitionCount != nil {
                    await change()
                } else {
                    let batch = try await follower.next()
                    if let failure = batch.failure { throw failure }
                    deliver(batch)
                }
            } catch {
                logger.error("The events can't be read.", metadata: ["error": "\(error)"])
                return
            }
            if ContinuousClock.now - lastLook > .milliseconds(500) {
                lastLook = .now
                tick(lastLook)
            }
        }
    }

    private var assignment: [TopicPartition: StartOffset] {
        var all: [TopicPartition: StartOffset] = [:]
        for (partition, tail) in tails {
            all[TopicPartition(topic: topic, partition: partition)] = tail.next.map { .at($0) } ?? .end
        }
        return all
    }

    private func deliver(_ batch: KafkaFollower.Batch) {
        var bySession: [[UInt8]: [KafkaRecord]] = [:]
        for record in batch.records {
            tails[record.partition]?.next = record.offset + 1
            guard let key = record.key, let entry = entries[key] else { continue }
            if entry.isSought { found(key, record.partition) }
            bySession[key, default: []].append(record)
        }
        for (partition, offset) in batch.ends {
            let next = max(offset, tails[partition.partition]?.next ?? 0)
            tails[partition.partition]?.next = next
        }
        for (key, records) in bySession { entries[key]?.feed.append(records) }
        if !batch.ends.isEmpty || !batch.records.isEmpty { changed() }
    }

    /// Wakes who is due, and lets go of what nobody reads.
    private func tick(_ now: ContinuousClock.Instant) {
        for (key, entry) in entries {
            entry.feed.wake(at: now)
            if let idle = entry.idleSince, now - idle > Self.lingering { entries[key] = nil }
        }
        let needed = entries.values.reduce(into: Set<Int32>()) { $0.formUnion($1.partitions) }
        for (partition, tail) in tails {
            if needed.contains(partition) {
                tails[partition]?.idleSince = nil
            } else if let since = tail.idleSince, now - since > Self.lingering {
                tails[partition] = nil
                hasChanged = true
            } else if tail.idleSince == nil {
                tails[partition]?.idleSince = now
            }
        }
        changed()
    }

    /// Ends every reader's stream.
    func close() {
        isClosed = true
        for entry in entries.values { entry.feed.close() }
        entries = [:]
        changed()
    }
}
