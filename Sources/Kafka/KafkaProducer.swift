internal import CRdkafka
package import Logging
internal import Synchronization

/// Writes records. Every record's fate is reported exactly once.
///
/// Defaults, all of which may be overridden: `enable.idempotence=true`, `acks=all`, `linger.ms=5`, and
/// `partitioner=murmur2_random`, which is what Java's clients do, so that all producers agree on a key's partition.
package final class KafkaProducer: Sendable {
    private static let defaults: KafkaProperties = [
        "enable.idempotence": "true", "acks": "all", "linger.ms": "5", "partitioner": "murmur2_random",
    ]

    private let loop: ProducerLoop
    private let calls = BlockingCalls(label: "kafka-producer-calls")

    /// Starts the producer's poll thread; brokers are reached in the background.
    /// - Parameter capacity: bounds for `waitForCapacity`; `produce` itself is not held up by them.
    /// - Throws: librdkafka's objection to a property.
    package init(
        _ properties: KafkaProperties, capacity: ProducerCapacity = ProducerCapacity(), logger: Logger
    ) throws(KafkaError) {
        let reports = DeliveryReports()
        let handle = try ClientHandle(
            kind: RD_KAFKA_PRODUCER, properties: Self.defaults.merging(properties),
            context: ClientContext(logger: logger, callbacks: reports), operation: "start a producer")
        let loop = ProducerLoop(handle: handle, reports: reports, capacity: capacity)
        self.loop = loop
        try DedicatedThread.start(name: "kafka-producer", operation: "start a producer") { loop.run() }
    }

    deinit {
        loop.beginClosing(timeout: .seconds(5))
    }

    /// Takes a record; never blocks and never refuses for want of room: what librdkafka's queue does not hold waits,
    /// in order, in memory (see `waitForCapacity`). The records of a partition are written in the order of the calls.
    /// - Parameter onDelivery: called once, on the producer's poll thread, which it must not block: with the record's
    ///   offset (negative if the broker did not name it), or with why it was not written. After `close` it is called
    ///   at once, by the caller's thread.
    package func produce(
        _ record: ProducerRecord, onDelivery: (@Sendable (Result<Int64, KafkaError>) -> Void)? = nil
    ) {
        guard let onDelivery else { return loop.produce(record, nil) }
        loop.produce(record) { onDelivery($0.map(\.offset)) }
    }

    /// Returns when fewer records and bytes are outstanding than the low watermark, if the high one was reached;
    /// at once otherwise, and when the task is cancelled or the producer is closed.
    package func waitForCapacity() async {
        await loop.waitForCapacity()
    }

    /// Writes a record and returns its offset once the broker has acknowledged it. Cancelling does not take the
    /// record back.
    package func send(_ record: ProducerRecord) async throws(KafkaError) -> Int64 {
        try await deliver(record).offset
    }

    /// Does as ``send(_:)-(ProducerRecord)`` does, and says which partition the record's key led it to.
    package func deliver(_ record: ProducerRecord) async throws(KafkaError) -> RecordMetadata {
        let result = await withCheckedContinuation { continuation in
            loop.produce(record) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Writes records and returns the fate of each, in their order, once all are known.
    package func send(_ batch: [ProducerRecord]) async -> [Result<Int64, KafkaError>] {
        guard !batch.isEmpty else { return [] }
        return await withCheckedContinuation { continuation in
            let deliveries = BatchDeliveries(count: batch.count, continuation)
            for (index, record) in batch.enumerated() {
                loop.produce(record) { deliveries.settle(index, $0.map(\.offset)) }
            }
        }
    }

    /// Waits until nothing is outstanding, without lingering.
    /// - Returns: whether that was so within the timeout. What is produced meanwhile counts too.
    package func flush(timeout: Duration) async -> Bool {
        await loop.flush(timeout: timeout)
    }

    /// Accepts no more records, waits for those outstanding, reports the rest as purged and lets the client go.
    /// May be called again; every call returns when the producer is closed.
    package func close(timeout: Duration = .seconds(10)) async {
        await loop.close(timeout: timeout)
    }

    /// Asks the partition's leader for its first and next offset. With that, the way to the leader is known, and a
    /// first record need not look for it.
    package func queryWatermarks(
        of partition: TopicPartition, timeout: Duration = .seconds(10)
    ) async throws(KafkaError) -> Watermarks {
        try await loop.handle.queryWatermarks(of: partition, timeout: timeout, on: calls)
    }

    /// The error after which this producer can only be replaced.
    package var fatal: KafkaError? { loop.handle.context.fatal }

    /// Records taken whose delivery is not reported yet.
    package var outstanding: Int { loop.outstanding }

    /// The newest statistics as JSON, if `statistics.interval.ms` is set.
    package var statistics: String? { loop.handle.context.statistics }
}

private final class BatchDeliveries: Sendable {
    private struct State {
        var results: [Result<Int64, KafkaError>?]
        var missing: Int
    }

    private let state: Mutex<State>
    private let continuation: CheckedContinuation<[Result<Int64, KafkaError>], Never>

    init(count: Int, _ continuation: CheckedContinuation<[Result<Int64, KafkaError>], Never>) {
        state = Mutex(State(results: Array(repeating: nil, count: count), missing: count))
        self.continuation = continuation
    }

    func settle(_ index: Int, _ result: Result<Int64, KafkaError>) {
        let complete: [Result<Int64, KafkaError>]? = state.withLock { state in
            state.results[index] = result
            state.missing -= 1
            return state.missing == 0 ? state.results.compactMap { $0 } : nil
        }
        if let complete { continuation.resume(returning: complete) }
    }
}
