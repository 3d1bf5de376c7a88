import Kafka
import Logging

extension WorkerConsumer {
    /// After a failure, so many partitions at a time are prepared each by itself.
    private static let preparationsAtOnce = 8
    /// After so long, what is known of a partition that cannot be let in is asked for anew.
    private static let takingUp = Duration.seconds(5)

    /// Makes partitions ready, however often that has to be tried, for as long as they are assigned. With a gate, a
    /// rebalance waits for them; what comes too late for it, or without one, is let in from here.
    ///
    /// All together at first, which is quickest; what that leaves is prepared one by one, so that none has to wait for
    /// what is in the way of another.
    func prepare(_ assignments: [TopicPartition: Int64], gate: PreparationGate?) async {
        var waiting = assignments
        var delay = Duration.milliseconds(100)
        var isFirst = true
        while let clients {
            waiting = waiting.filter { partition, id in withCore { $0.isCurrent(partition, assignment: id) } }
            if waiting.isEmpty { return }
            let ready =
                isFirst
                ? await attempt(waiting, gate: gate, with: clients)
                : await attemptEach(waiting, gate: gate, with: clients)
            waiting = waiting.filter { !ready.contains($0.key) }
            if waiting.isEmpty { return }
            isFirst = false
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(5))
        }
    }

    private func attemptEach(
        _ waiting: [TopicPartition: Int64], gate: PreparationGate?, with clients: Clients
    ) async -> Set<TopicPartition> {
        await withTaskGroup(of: Set<TopicPartition>.self) { group in
            var ready: Set<TopicPartition> = []
            for (index, (partition, assignment)) in waiting.sorted(by: { $0.key < $1.key }).enumerated() {
                if index >= Self.preparationsAtOnce, let done = await group.next() { ready.formUnion(done) }
                group.addTask { await self.attempt([partition: assignment], gate: gate, with: clients) }
            }
            for await done in group { ready.formUnion(done) }
            return ready
        }
    }

    /// - Returns: the partitions that need no other attempt. What was in the way of the others is noted.
    private func attempt(
        _ waiting: [TopicPartition: Int64], gate: PreparationGate?, with clients: Clients
    ) async -> Set<TopicPartition> {
        var ready: Set<TopicPartition> = []
        do {
            // Before the first of their requests is dispatched: whoever had the partitions before may have known more.
            try await readParks()
            for (partition, outcome) in try await clients.preparation.prepare(waiting.keys.sorted()) {
                guard let assignment = waiting[partition] else { continue }
                switch outcome {
                case .success(let prepared):
                    if gate?.deliver(prepared, for: partition) == true {
                        ready.insert(partition)
                        continue
                    }
                    do {
                        try await admit(partition, assignment, prepared, clients.consumer)
                        ready.insert(partition)
                    } catch {
                        noteObstacle(error, of: [partition: assignment])
                    }
                case .failure(let problem):
                    gate?.giveUp(partition)
                    logger.error("\(problem)", metadata: ["code": "\(problem.code)"])
                    withCore { $0.obstructed(partition, assignment: assignment, by: "\(problem)") }
                }
            }
        } catch {
            noteObstacle(error, of: waiting)
        }
        return ready
    }

    private func noteObstacle(_ error: any Error, of assignments: [TopicPartition: Int64]) {
        logger.warning(
            "Partitions are not ready yet, and will be tried again: \(error)",
            metadata: ["partitions": "\(assignments.keys.sorted())"])
        for (partition, assignment) in assignments {
            withCore { $0.obstructed(partition, assignment: assignment, by: "\(error)") }
        }
    }

    /// Lets a partition in that is assigned already, and paused: reading is moved to its start before its first record
    /// counts. A record that was polled before the move must not be taken for what follows the start, so the poll
    /// thread has to have gone round once in between.
    private func admit(
        _ partition: TopicPartition, _ assignment: Int64, _ prepared: PartitionPreparation.Prepared,
        _ consumer: KafkaConsumer
    ) async throws {
        try await move(partition, assignment, to: prepared.start, consumer)
        let moved = ContinuousClock.now
        while consumer.lastPoll <= moved {
            guard withCore({ $0.isCurrent(partition, assignment: assignment) }) else { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        step {
            $0.granted(
                partition, assignment: assignment, log: prepared.log, fence: prepared.fence, start: prepared.start,
                end: prepared.end, at: .now)
        }
    }

    /// Refused until the client library has taken the assignment up, which is a moment after it was announced.
    private func move(
        _ partition: TopicPartition, _ assignment: Int64, to start: Int64, _ consumer: KafkaConsumer
    ) async throws {
        let deadline = ContinuousClock.now + Self.takingUp
        while true {
            do {
                try consumer.pause([partition])
                return try await consumer.seek(partition, to: .at(start))
            } catch {
                guard ContinuousClock.now < deadline, withCore({ $0.isCurrent(partition, assignment: assignment) })
                else { throw error }
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// A stalled worker must not lock the rightful owner out: a fence is taken again only when the group accepts a
    /// commit of ours, which it does from the partition's owner alone. The commit itself says nothing new.
    func refence(_ partition: TopicPartition, assignment: Int64) async {
        var delay = Duration.milliseconds(100)
        while let clients, withCore({ $0.isCurrent(partition, assignment: assignment) }) {
            do {
                if let watermark = withCore({ $0.watermark(of: partition) }) {
                    try await clients.consumer.confirmOwnership(of: partition, watermark: watermark)
                }
                let fence = try await clients.preparation.takeFence(of: partition)
                logger.notice(
                    "Took the fence of \(partition) again: another worker had taken it, but the partition is ours.")
                step { $0.refenced(partition, assignment: assignment, fence: fence, at: .now) }
                return
            } catch {
                logger.warning("The fence of \(partition) was overtaken and cannot be taken again yet: \(error)")
                withCore { $0.obstructed(partition, assignment: assignment, by: "its fence was overtaken: \(error)") }
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(5))
        }
    }
}

extension KafkaConsumer {
    /// Throws unless the group takes this member for the partition's owner.
    fileprivate func confirmOwnership(of partition: TopicPartition, watermark: Int64) async throws(KafkaError) {
        let result = await withCheckedContinuation { continuation in
            commit([partition: CommittedOffset(offset: watermark)]) { continuation.resume(returning: $0) }
        }
        if let refusal = try result.get()[partition] ?? nil { throw refusal }
    }
}
