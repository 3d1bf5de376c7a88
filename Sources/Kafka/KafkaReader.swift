package import Logging
internal import Synchronization

/// Reads stretches of partitions, outside of any group and without committing anything.
///
/// Reads may run side by side: each takes a client of its own, which is kept for the next one. An offset that the
/// partition does not have (any more) starts at its beginning. Brokers away are waited for: cancel to give up.
///
/// Defaults, both of which may be overridden: a `group.id` that nothing is committed to, and `fetch.wait.max.ms=100`,
/// since the next read of a client waits for the last one's fetch. A read holds at most `queued.max.messages.kbytes`
/// ahead (64 MB in librdkafka); much less of it slows long reads down, as a full queue stops fetching for a second.
package final class KafkaReader: Sendable {
    private static let idleClients = 2
    private static let defaults: KafkaProperties = ["group.id": "reader", "fetch.wait.max.ms": "100"]
    static let forced: KafkaProperties = [
        "auto.offset.reset": "earliest", "enable.partition.eof": "true", "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
    ]

    private struct State {
        var idle: [ReaderClient] = []
        var isClosed = false
    }

    private let properties: KafkaProperties
    private let logger: Logger
    private let calls = BlockingCalls(label: "kafka-reader-start")
    private let state = Mutex(State())

    /// Makes a first client, so that a wrong property is refused here.
    package init(_ properties: KafkaProperties, logger: Logger) throws(KafkaError) {
        self.properties = Self.defaults.merging(properties).merging(Self.forced)
        self.logger = logger
        let client = try ReaderClient(self.properties, context: ClientContext(logger: logger))
        state.withLock { $0.idle.append(client) }
    }

    deinit {
        for client in state.withLock({ $0.idle }) { client.abandon() }
    }

    /// Hands the partitions' records to `body`, in batches of at most 1,000 records or about 8 MB, each partition's in
    /// offset order. The next batch is taken when `body` has returned.
    /// - Parameters:
    ///   - start: where each partition starts. With none there is nothing to read, and the call returns.
    ///   - untilEnd: stop when every partition's end, or the one that it had when reading began, has been reached once;
    ///     otherwise go on until `body` says stop.
    /// - Returns: for each partition the offset after the last record handed over or passed; partitions of which
    ///   nothing is known yet are absent.
    /// - Throws: what `body` throws; `CancellationError`; a `KafkaError` that waiting does not cure, such as an
    ///   unknown topic.
    package func read(
        from start: [TopicPartition: StartOffset], untilEnd: Bool,
        isolation: isolated (any Actor)? = #isolation,
        _ body: ([KafkaRecord]) async throws -> ReadDecision
    ) async throws -> [TopicPartition: Int64] {
        guard !start.isEmpty else { return [:] }
        let client = try await takeClient()
        do {
            try await client.assign(start)
            let reached = try await follow(client, start, untilEnd: untilEnd, isolation: isolation, body)
            await giveBack(client)
            return reached
        } catch {
            await giveBack(client)
            throw error
        }
    }

    /// The record at exactly that offset; nil if the partition has none there.
    /// - Throws: `CancellationError`; a `KafkaError`, `isTimeout` if the brokers did not answer in time.
    package func fetch(
        _ partition: TopicPartition, offset: Int64, timeout: Duration = .seconds(10)
    ) async throws -> KafkaRecord? {
        guard offset >= 0 else { return nil }
        let client = try await takeClient()
        do {
            try await client.assign([partition: .at(offset)])
            let record = try await first(client, partition, offset, deadline: .now.advanced(by: timeout))
            await giveBack(client)
            return record
        } catch {
            await giveBack(client)
            throw error
        }
    }

    /// Lets the clients go; those of reads under way when they end. Later reads throw.
    package func close() async {
        let idle = state.withLock { state in
            defer { state = State(isClosed: true) }
            return state.idle
        }
        for client in idle { await client.destroy() }
    }

    private func follow(
        _ client: ReaderClient, _ start: [TopicPartition: StartOffset], untilEnd: Bool,
        isolation: isolated (any Actor)?, _ body: ([KafkaRecord]) async throws -> ReadDecision
    ) async throws -> [TopicPartition: Int64] {
        var reached: [TopicPartition: Int64] = [:]
        for case (let partition, .at(let offset)) in start { reached[partition] = offset }
        var unfinished = Set(start.keys)
        var silence = Silence(of: start.keys)
        while true {
            try Task.checkCancellation()
            let batch = try await client.nextBatch()
            for record in batch.records { reached[record.topicPartition] = record.offset + 1 }
            silence.heard(batch)
            if let silent = silence.suspects(at: .now) { try await client.checkExistence(of: silent) }
            for (partition, offset) in batch.ends {
                reached[partition] = max(offset, reached[partition] ?? offset)
                unfinished.remove(partition)
            }
            if !batch.records.isEmpty, try await body(batch.records) == .stop { return reached }
            if let failure = batch.failure { throw failure }
            if untilEnd, unfinished.isEmpty { return reached }
        }
    }

    private func first(
        _ client: ReaderClient, _ partition: TopicPartition, _ offset: Int64, deadline: ContinuousClock.Instant
    ) async throws -> KafkaRecord? {
        var silence = Silence(of: [partition])
        while ContinuousClock.now < deadline {
            try Task.checkCancellation()
            let batch = try await client.nextBatch(maximumRecords: 1)
            silence.heard(batch)
            if let silent = silence.suspects(at: .now) { try await client.checkExistence(of: silent) }
            // Another offset means that this one is gone, or that reading was sent back to the beginning.
            if let record = batch.records.first { return record.offset == offset ? record : nil }
            if let failure = batch.failure { throw failure }
            if batch.ends[partition] != nil { return nil }
        }
        throw KafkaError(code: KafkaError.Code.timedOut, operation: "fetch a record of \(partition)")
    }

    private func takeClient() async throws(KafkaError) -> ReaderClient {
        let (isClosed, idle) = state.withLock { ($0.isClosed, $0.idle.popLast()) }
        if isClosed { throw .closed("read") }
        if let idle { return idle }
        return try await calls.run { [properties, logger] () throws(KafkaError) in
            try ReaderClient(properties, context: ClientContext(logger: logger))
        }
    }

    private func giveBack(_ client: ReaderClient) async {
        let isClean = (try? await client.assign([:])) != nil
        let isKept = state.withLock { state in
            guard isClean, !state.isClosed, state.idle.count < Self.idleClients else { return false }
            state.idle.append(client)
            return true
        }
        if !isKept { client.abandon() }
    }
}

/// Partitions that nothing was heard of yet, which after a while makes one ask whether they exist.
private struct Silence {
    private var partitions: Set<TopicPartition>
    private var nextQuestion = ContinuousClock.now.advanced(by: .seconds(1))

    init(of partitions: some Sequence<TopicPartition>) {
        self.partitions = Set(partitions)
    }

    mutating func heard(_ batch: ReaderClient.Batch) {
        guard !partitions.isEmpty else { return }
        partitions.subtract(batch.ends.keys)
        partitions.subtract(batch.records.map(\.topicPartition))
    }

    /// The silent partitions, each time it is time to ask.
    mutating func suspects(at now: ContinuousClock.Instant) -> Set<TopicPartition>? {
        guard !partitions.isEmpty, now >= nextQuestion else { return nil }
        nextQuestion = now.advanced(by: .seconds(10))
        return partitions
    }
}
