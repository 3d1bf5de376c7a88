import Kafka

extension WorkerConsumer {
    func makeScout(scan: StopScan) -> StopScout {
        StopScout(
            options.kafka, scan: scan, logger: logger,
            targets: { [weak self] in self?.withCore { $0.scoutTargets } ?? [:] },
            onSeen: { [weak self] seen in self?.step { $0.scouted(seen) } })
    }

    /// Looks how far intake is behind, and calls the scout where it has a long way to go.
    func scoutIfNeeded() {
        guard let clients else { return }
        let uncertain = withCore { $0.partitionsToMeasure }
        if uncertain.isEmpty { return }
        var ends: [TopicPartition: Int64] = [:]
        for partition in uncertain { ends[partition] = clients.consumer.watermarks(of: partition)?.high }
        let known = ends
        if withCore({ $0.measured(known, at: .now) }) { clients.scout.call() }
    }
}
