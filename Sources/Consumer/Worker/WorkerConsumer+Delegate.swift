import Dispatch
package import Kafka
import Logging
import Telemetry

extension WorkerConsumer: KafkaConsumerDelegate {
    package func didReceive(_ records: [KafkaRecord]) {
        MetricCatalog.requests.add(Double(records.count))
        let incoming = examine(records)
        step { $0.received(incoming, at: .now) }
    }

    package func didReachEnd(of partition: TopicPartition, offset: Int64) {
        step { $0.reachedEnd(of: partition, offset: offset) }
    }

    /// Waits within its budget for what has to be known of the partitions; what takes longer goes on beside it, the
    /// partition being paused.
    package func assigned(_ partitions: [TopicPartition]) -> [TopicPartition: Int64] {
        let assignments = withCore { core in
            let now = ContinuousClock.now
            return Dictionary(partitions.map { ($0, core.assign($0, at: now)) }, uniquingKeysWith: { _, last in last })
        }
        let gate = PreparationGate(expecting: partitions)
        Task.detached { await self.prepare(assignments, gate: gate) }
        let prepared = gate.wait(upTo: options.assignTimeout)
        for (partition, assignment) in assignments {
            guard let ready = prepared[partition] else {
                step { $0.unready(partition, assignment: assignment) }
                continue
            }
            step {
                $0.granted(
                    partition, assignment: assignment, log: ready.log, fence: ready.fence, start: ready.start,
                    end: ready.end, at: .now)
            }
        }
        logger.info(
            "Partitions were assigned.",
            metadata: ["assigned": "\(partitions.sorted())", "ready": "\(prepared.keys.sorted())"])
        return prepared.mapValues(\.start)
    }

    package func revoked(_ partitions: [TopicPartition]) {
        let deadline = DispatchTime.now() + options.revokeTimeout.seconds
        // The whole group waits for this: what runs goes on at the next owner.
        step { $0.beginRevoke(partitions, grace: .zero) }
        while !withCore({ $0.isYielded(partitions) }), yields.wait(timeout: deadline) == .success {}
        let watermarks = withCore { $0.finishRevoke(partitions) }
        guard !watermarks.isEmpty, let consumer = clients?.consumer else { return }
        options.onStep?(.beforeCommit)
        do {
            let refusals = try consumer.commit(watermarks.mapValues { CommittedOffset(offset: $0) })
            for case (let partition, let refusal?) in refusals {
                logger.warning("The last commit was refused: \(refusal)", metadata: ["partition": "\(partition)"])
            }
        } catch {
            logger.warning("\(error)", metadata: ["partitions": "\(partitions.sorted())"])
        }
    }

    package func lost(_ partitions: [TopicPartition]) {
        logger.warning("Partitions were lost to the group.", metadata: ["lost": "\(partitions.sorted())"])
        step { $0.lose(partitions) }
    }

    package func didFail(_ error: KafkaError) {
        logger.warning("\(error)")
        if error.isFatal { fail(error) }
    }
}
