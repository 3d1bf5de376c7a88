import Kafka
import Logging
import Synchronization

/// Reads ahead of intake where that is paused or far behind, and looks for stops only. Asleep at the live edge: it has
/// no client before it is first needed.
final class StopScout: Sendable {
    typealias Target = ConsumerCore.ScoutTarget
    typealias Scouting = ConsumerCore.Scouting

    /// So far intake may get ahead of the scout before it is worth starting anew in front of it.
    private static let leap: Int64 = 5_000

    private let properties: KafkaProperties
    private let scan: StopScan
    private let logger: Logger
    private let targets: @Sendable () -> [TopicPartition: Target]
    private let onSeen: @Sendable ([TopicPartition: Scouting]) -> Void
    private let calls: AsyncStream<Void>
    private let callsInput: AsyncStream<Void>.Continuation
    private let task = Mutex<Task<Void, Never>?>(nil)

    /// - Parameters:
    ///   - targets: what is to be read now; asked before each batch.
    ///   - onSeen: called after each batch, in order, one call at a time.
    init(
        _ properties: KafkaProperties, scan: StopScan, logger: Logger,
        targets: @escaping @Sendable () -> [TopicPartition: Target],
        onSeen: @escaping @Sendable ([TopicPartition: Scouting]) -> Void
    ) {
        self.properties = properties
        self.scan = scan
        self.logger = logger
        self.targets = targets
        self.onSeen = onSeen
        (calls, callsInput) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// There is something to read. Returns at once; costs nothing if the scout is at it.
    func call() {
        task.withLock { task in
            if task == nil { task = Task { await self.run() } }
        }
        callsInput.yield()
    }

    /// Ends the scout and lets its client go.
    func close() async {
        callsInput.finish()
        let task = task.withLock { $0 }
        task?.cancel()
        await task?.value
    }

    private func run() async {
        var follower: KafkaFollower?
        for await _ in calls {
            do {
                if follower == nil { follower = try await KafkaFollower.start(properties, logger: logger) }
                if let follower { try await watch(with: follower) }
            } catch {
                // What it would have found takes effect when intake comes to it.
                logger.warning("Stops are not looked for ahead of intake for now: \(error)")
                try? await Task.sleep(for: .seconds(1))
            }
        }
        await follower?.close()
    }

    /// Reads until there is nothing more to be read, or this task is cancelled.
    private func watch(with follower: KafkaFollower) async throws(KafkaError) {
        var followed: [TopicPartition: Target] = [:]
        while !Task.isCancelled {
            let wanted = targets()
            if wanted.isEmpty { break }
            if Self.needsMove(from: followed, to: wanted) {
                try await follower.follow(wanted.mapValues { .at($0.from) })
                followed = wanted
            }
            let batch = try await follower.next()
            let seen = examine(batch, followed)
            for (partition, scouting) in seen { followed[partition]?.from = scouting.next }
            if !seen.isEmpty { onSeen(seen) }
            if let failure = batch.failure { throw failure }
        }
        try await follower.follow([:])
    }

    private static func needsMove(
        from followed: [TopicPartition: Target], to wanted: [TopicPartition: Target]
    ) -> Bool {
        guard followed.count == wanted.count else { return true }
        return wanted.contains { partition, target in
            guard let present = followed[partition], present.assignment == target.assignment else { return true }
            return target.from > present.from + leap
        }
    }

    private func examine(
        _ batch: KafkaFollower.Batch, _ followed: [TopicPartition: Target]
    ) -> [TopicPartition: Scouting] {
        var seen: [TopicPartition: Scouting] = [:]
        func note(_ partition: TopicPartition, next: Int64, _ stop: FastLane.Stop? = nil) {
            guard let target = followed[partition] else { return }
            var scouting = seen[partition] ?? Scouting(assignment: target.assignment, next: target.from)
            scouting.next = max(scouting.next, next)
            if let stop { scouting.stops.append(stop) }
            seen[partition] = scouting
        }
        for record in batch.records {
            note(record.topicPartition, next: record.offset + 1, scan.stop(in: record))
        }
        for (partition, end) in batch.ends { note(partition, next: end) }
        return seen
    }
}
