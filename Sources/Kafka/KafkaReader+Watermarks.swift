extension KafkaReader {
    /// The ends of partitions were not reached in time.
    package struct EndOffsetTimeout: Error, CustomStringConvertible {
        package var code: String { "end_offset_timeout" }
        package var description: String { "Could not read to the ends of the partitions in time." }
    }

    /// The partitions' first offsets, and the ends that reading finds: a queried end may lie short of the last batch's.
    /// - Throws: what the brokers say; ``EndOffsetTimeout``.
    package func watermarks(
        of partitions: [TopicPartition], asking admin: KafkaAdmin, timeout: Duration = .seconds(10)
    ) async throws -> [TopicPartition: Watermarks] {
        var watermarks: [TopicPartition: Watermarks] = [:]
        var lastBatches: [TopicPartition: StartOffset] = [:]
        for partition in partitions {
            let queried = try await admin.watermarks(partition)
            watermarks[partition] = queried
            if queried.high > queried.low { lastBatches[partition] = .at(queried.high - 1) }
        }
        guard !lastBatches.isEmpty else { return watermarks }
        for (partition, end) in try await ends(from: lastBatches, timeout: timeout) {
            guard let queried = watermarks[partition] else { continue }
            watermarks[partition] = Watermarks(low: queried.low, high: max(end, queried.high))
        }
        return watermarks
    }

    private func ends(
        from starts: [TopicPartition: StartOffset], timeout: Duration
    ) async throws -> [TopicPartition: Int64] {
        try await withThrowingTaskGroup(of: [TopicPartition: Int64].self) { group in
            group.addTask { try await self.read(from: starts, untilEnd: true) { _ in .proceed } }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw EndOffsetTimeout()
            }
            defer { group.cancelAll() }
            return try await group.next() ?? [:]
        }
    }
}
