package import Kafka
package import Logging
import Synchronization
import Telemetry

/// The events topic on a Kafka cluster.
package final class KafkaEventLog: EventLog {
    /// What the producer is set to, unless the operator says otherwise: a record is never given up, since its turn
    /// can't settle without it, and goes out at once, since deltas were merged already.
    private static let defaults: KafkaProperties = ["message.timeout.ms": "0", "linger.ms": "1"]
    /// So many records of all sessions may be on their way.
    private static let congestion = 50_000

    private let topic: String
    private let producer: KafkaProducer
    private let reader: KafkaReader
    // One past the highest acknowledged offset of each partition, or its end when it was first asked for.
    private let ends = Mutex<[Int32: Int64]>([:])
    // Counted here, since the producer's own count is behind the lock that its poll thread takes for every batch.
    private let outstanding = Atomic(0)
    /// In nanoseconds since ``start``: when a record went out with none on its way, or was acknowledged last.
    private let progress = Atomic<Int64>(0)
    private let start = ContinuousClock.now

    /// - Throws: ``KafkaError`` for a property that the client library refuses.
    package init(topic: String, properties: KafkaProperties, logger: Logger) throws(KafkaError) {
        self.topic = topic
        producer = try KafkaProducer(Self.defaults.merging(properties), logger: logger)
        reader = try KafkaReader(properties, logger: logger)
    }

    /// Finds the brokers and connects, for writing and for reading, so that a host that takes over for a dead one need
    /// not. A failure costs nothing but that.
    package func warmUp() async {
        let first = TopicPartition(topic: topic, partition: 0)
        _ = try? await producer.queryWatermarks(of: first)
        _ = try? await reader.read(from: [first: .end], untilEnd: true) { _ in .proceed }
    }

    package func append(
        _ record: ProducerRecord, onAck: @escaping @Sendable (Result<Int64, any Error>) -> Void
    ) {
        let events = record.topic == topic ? record.partition : nil
        if outstanding.add(1, ordering: .relaxed).oldValue == 0 { noteProgress() }
        let (topic, handedOver) = (record.topic, ContinuousClock.now)
        producer.produce(record) { result in
            if case .success = result {
                MetricCatalog.deliveryDuration.record(since: handedOver, topic)
            } else {
                MetricCatalog.deliveryFailures.add(1, topic)
            }
            self.outstanding.subtract(1, ordering: .relaxed)
            self.noteProgress()
            if let events, case .success(let offset) = result { self.note(offset + 1, events) }
            onAck(result.mapError { $0 })
        }
    }

    package var isCongested: Bool { outstanding.load(ordering: .relaxed) > Self.congestion }

    package var outstandingCount: Int { outstanding.load(ordering: .relaxed) }

    package var stalledFor: Duration? {
        guard outstanding.load(ordering: .relaxed) > 0 else { return nil }
        return start.duration(to: .now) - .nanoseconds(progress.load(ordering: .relaxed))
    }

    private func noteProgress() {
        let (seconds, attoseconds) = start.duration(to: .now).components
        progress.store(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, ordering: .relaxed)
    }

    package func waitForCapacity() async {
        await producer.waitForCapacity()
    }

    package func endOffset(of partition: Int32) async throws -> Int64 {
        if let known = ends.withLock({ $0[partition] }) { return known }
        // A broker's answer may lag behind its log, never run ahead of it: early is safe here.
        let queried = try await producer.queryWatermarks(of: TopicPartition(topic: topic, partition: partition)).high
        note(queried, partition)
        return ends.withLock { $0[partition] ?? queried }
    }

    package func read(
        _ partition: Int32, from offset: Int64, _ body: @escaping @Sendable ([KafkaRecord]) -> Void
    ) async throws {
        _ = try await reader.read(
            from: [TopicPartition(topic: topic, partition: partition): .at(offset)], untilEnd: true
        ) { records in
            body(records)
            return .proceed
        }
    }

    /// Writes what is outstanding and lets the clients go.
    package func close(timeout: Duration) async {
        await producer.close(timeout: timeout)
        await reader.close()
    }

    private func note(_ end: Int64, _ partition: Int32) {
        ends.withLock { $0[partition] = max(end, $0[partition] ?? 0) }
    }
}
