import Kafka
import Logging

/// A read of requests that were put off came to the partition's end before the first of them: the log is shorter than
/// it was.
struct LogEndsEarly: Error, CustomStringConvertible {
    let partition: TopicPartition
    let end: Int64
    let offset: Int64

    var code: String { "log_ends_early" }
    var description: String { "\(partition) ends at \(end), before offset \(offset), which was read before." }
}

/// A read of requests that were put off has not come to an end.
struct RefetchTookTooLong: Error, CustomStringConvertible {
    let partition: TopicPartition

    var code: String { "refetch_timeout" }
    var description: String { "Requests of \(partition) were not read again in time." }
}

extension WorkerConsumer {
    /// After so long a read is begun anew, if it is still wanted. Longer than a pass over the log and the questions
    /// after it take by their own limits: a read that brings anything must not be thrown away for being slow.
    private static let refetchTimeout = Duration.seconds(60)
    /// After so long a pass stops where it is, and after as long again what it did not show is left to the next read.
    private static let refetchPatience = Duration.seconds(10)
    /// So much of the log is read at a time for what is wanted of it.
    private static let refetchBytes = 16 << 20

    /// Reads requests again that were put off, however often that has to be tried, for as long as they are waited for.
    func fetch(_ partition: TopicPartition, number: Int64, _ offsets: [Int64]) async {
        var delay = Duration.milliseconds(100)
        while let clients, withCore({ $0.isFetching(partition, number: number) }) {
            do {
                let (records, end) = try await readInTime(offsets, of: partition, with: clients.reader)
                let incoming = examine(records)
                step { $0.fetched(partition, number: number, incoming, upTo: end, at: .now) }
                return
            } catch {
                logger.warning("Requests that were put off cannot be read again yet: \(error)")
            }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(5))
        }
    }

    /// One pass over the log, from the first wanted offset on.
    /// - Returns: the wanted records that were passed, and how far the pass came: beyond the first of them at least.
    private func readInTime(
        _ offsets: [Int64], of partition: TopicPartition, with reader: KafkaReader
    ) async throws -> (records: [KafkaRecord], end: Int64) {
        try await withThrowingTaskGroup(of: (records: [KafkaRecord], end: Int64).self) { group in
            group.addTask { try await Self.read(offsets, of: partition, with: reader) }
            group.addTask {
                try await Task.sleep(for: Self.refetchTimeout)
                throw RefetchTookTooLong(partition: partition)
            }
            defer { group.cancelAll() }
            guard let read = try await group.next() else { throw CancellationError() }
            return read
        }
    }

    private static func read(
        _ offsets: [Int64], of partition: TopicPartition, with reader: KafkaReader
    ) async throws -> (records: [KafkaRecord], end: Int64) {
        guard let first = offsets.first, let last = offsets.last else { return ([], 0) }
        let wanted = Set(offsets)
        var records: [KafkaRecord] = []
        var bytes = 0
        let deadline = ContinuousClock.now + refetchPatience
        let reached = try await reader.read(from: [partition: .at(first)], untilEnd: true) { batch in
            for record in batch {
                if wanted.contains(record.offset) { records.append(record) }
                bytes += record.byteCount
            }
            let isThrough = batch.last.map { $0.offset >= last } ?? false
            return isThrough || bytes >= refetchBytes || .now >= deadline ? .stop : .proceed
        }
        let end = reached[partition] ?? first
        guard end > first else { throw LogEndsEarly(partition: partition, end: end, offset: first) }
        let seen = Set(records.map(\.offset))
        let missing = offsets.filter { $0 < end && !seen.contains($0) }
        let asked = try await askSingly(for: missing, until: .now + refetchPatience) {
            try await reader.fetch(partition, offset: $0)
        }
        return (records + asked.records, asked.unasked ?? end)
    }

    /// What one pass did not show is asked for by itself before it counts as gone. There may be more of it than can be
    /// asked for in any time, after the log was cut off: what is left at the deadline is told, and is another read's.
    static func askSingly(
        for missing: [Int64], until deadline: ContinuousClock.Instant,
        _ fetch: (Int64) async throws -> KafkaRecord?
    ) async throws -> (records: [KafkaRecord], unasked: Int64?) {
        var records: [KafkaRecord] = []
        for (index, offset) in missing.enumerated() {
            if index > 0, ContinuousClock.now >= deadline { return (records, offset) }
            if let record = try await fetch(offset) { records.append(record) }
        }
        return (records, nil)
    }

    /// Nothing can be carried out of it, and nothing written to the dead letters: it is gone from the log.
    func noteLost(_ partition: TopicPartition, offset: Int64, reason: String) {
        logger.error(
            "A request that was put off cannot be read again and counts as settled: \(reason).",
            metadata: [
                "topic": "\(partition.topic)", "partition": "\(partition.partition)", "offset": "\(offset)",
                "code": "deferred_request_lost",
            ])
    }
}
