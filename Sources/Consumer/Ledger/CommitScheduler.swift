package import Kafka

/// Decides when which watermarks are committed: one commit outstanding at a time, and what moves meanwhile goes into
/// the next one. A value; the time comes from outside.
package struct CommitScheduler {
    /// What became of one partition's commit.
    package enum Outcome: Sendable, Hashable {
        case committed
        /// Worth another try after the delay.
        case failed
        /// Nothing more is to be committed for the partition.
        case notOurs
    }

    private struct Position {
        /// Durably settled up to here.
        var watermark: Int64
        /// What the broker acknowledged.
        var committed: Int64?
        var isLost = false
        var isDirty: Bool { !isLost && committed.map { $0 < watermark } ?? true }
    }

    /// However often a commit fails.
    private static let longestRetryDelay = Duration.seconds(15)

    private let interval: Duration
    private let retryDelay: Duration
    private var positions: [TopicPartition: Position] = [:]
    private var dirty: Set<TopicPartition> = []
    private var outstanding: [TopicPartition: Int64]?
    private var due: ContinuousClock.Instant?
    /// How long to wait after the next failure: twice as long each time, until a commit succeeds.
    ///
    /// A commit that is sent while the member joins its group again is answered after the join, with a refusal at which
    /// librdkafka (2.0.2) forgets the generation that it has just been given, and has to join once more. Sent again
    /// sooner than a join takes, commits would meet every one of them, and none would ever succeed.
    private var backoff: Duration

    package init(interval: Duration, retryDelay: Duration = .milliseconds(500)) {
        self.interval = interval
        self.retryDelay = retryDelay
        backoff = retryDelay
    }

    /// When ``next(at:)`` will have something, if nothing else happens.
    package var nextDue: ContinuousClock.Instant? { outstanding == nil && !dirty.isEmpty ? due : nil }

    package var isOutstanding: Bool { outstanding != nil }

    /// What the broker has acknowledged for a partition.
    package func committed(of partition: TopicPartition) -> Int64? { positions[partition]?.committed }

    /// A partition is read from `start`: everything before it needs no commit.
    package mutating func begin(_ partition: TopicPartition, from start: Int64) {
        positions[partition] = Position(watermark: start, committed: start)
        dirty.remove(partition)
    }

    /// A partition's watermark has moved. A partition that was not begun is ignored.
    package mutating func moved(_ partition: TopicPartition, to watermark: Int64, at now: ContinuousClock.Instant) {
        guard var position = positions[partition], watermark > position.watermark else { return }
        position.watermark = watermark
        positions[partition] = position
        guard position.isDirty else { return }
        dirty.insert(partition)
        if due == nil { due = now + interval }
    }

    /// The commit to send now, if one is due and none is outstanding. It counts as outstanding until
    /// ``finished(_:at:)``.
    package mutating func next(at now: ContinuousClock.Instant) -> [TopicPartition: Int64]? {
        guard outstanding == nil, !dirty.isEmpty, let due, due <= now else { return nil }
        var commit: [TopicPartition: Int64] = [:]
        for partition in dirty { commit[partition] = positions[partition]?.watermark }
        dirty = []
        self.due = nil
        guard !commit.isEmpty else { return nil }
        outstanding = commit
        return commit
    }

    /// The broker has answered the outstanding commit; a partition without an outcome counts as failed.
    package mutating func finished(_ outcomes: [TopicPartition: Outcome], at now: ContinuousClock.Instant) {
        guard let sent = outstanding else { return }
        outstanding = nil
        var hasFailed = false
        for (partition, offset) in sent {
            guard var position = positions[partition] else { continue }
            switch outcomes[partition] ?? .failed {
            case .committed: position.committed = max(position.committed ?? offset, offset)
            case .notOurs: position.isLost = true
            case .failed: hasFailed = true
            }
            positions[partition] = position
            if position.isDirty { dirty.insert(partition) } else { dirty.remove(partition) }
        }
        due = dirty.isEmpty ? nil : now + (hasFailed ? backoff : interval)
        backoff = hasFailed ? min(backoff * 2, Self.longestRetryDelay) : retryDelay
    }

    /// The watermark to commit before the partition is given away; nil if the broker knows it. For a commit that does
    /// not wait its turn: committing the same watermark twice does no harm.
    package func uncommitted(of partition: TopicPartition) -> Int64? {
        positions[partition].flatMap { $0.isDirty ? $0.watermark : nil }
    }

    /// The partition is ours no longer. An answer that is still to come for it is dropped.
    package mutating func forget(_ partition: TopicPartition) {
        positions[partition] = nil
        dirty.remove(partition)
        outstanding?[partition] = nil
    }
}

extension CommitScheduler.Outcome {
    /// What a refused commit means for its partition.
    ///
    /// Not that it is somebody else's: a commit that crosses a rebalance is refused for its generation, and the partition
    /// may stay with us all through it, in which case nothing else would ever say so. What is taken away is revoked or
    /// declared lost before this member joins the group again, and its commits end with that.
    package init(refusal error: KafkaError) {
        self = error.isClosed || error.code == KafkaError.Code.fencedInstance ? .notOurs : .failed
    }
}
