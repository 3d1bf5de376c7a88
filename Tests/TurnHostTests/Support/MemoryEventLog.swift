import Kafka
import Synchronization
import TurnHost

/// The events topic, the dead letters and the topic of bigger machines in memory. Acknowledgements can be held back, and appends can fail.
final class MemoryEventLog: EventLog {
    struct Refused: Error {}

    /// The topic of bigger machines.
    static let bigTopic = "big"

    private struct State {
        var events: [Int32: [KafkaRecord]] = [:]
        var deadLetters: [ProducerRecord] = []
        var forwarded: [ProducerRecord] = []
        var refusesForwarded = false
        var isHolding = false
        var held: [@Sendable () -> Void] = []
        var failures = 0
        var readings = 0
    }

    private let topic: String
    private let state = Mutex(State())

    init(topic: String) {
        self.topic = topic
    }

    func append(_ record: ProducerRecord, onAck: @escaping @Sendable (Result<Int64, any Error>) -> Void) {
        let acknowledge = state.withLock { state -> (@Sendable () -> Void)? in
            if state.refusesForwarded, record.topic == Self.bigTopic { return { onAck(.failure(Refused())) } }
            if state.failures > 0 {
                state.failures -= 1
                return { onAck(.failure(Refused())) }
            }
            let offset = Self.store(record, isEvent: record.topic == topic, in: &state)
            guard state.isHolding else { return { onAck(.success(offset)) } }
            state.held.append { onAck(.success(offset)) }
            return nil
        }
        acknowledge?()
    }

    private static func store(_ record: ProducerRecord, isEvent: Bool, in state: inout State) -> Int64 {
        if record.topic == bigTopic {
            state.forwarded.append(record)
            return Int64(state.forwarded.count - 1)
        }
        guard isEvent, let partition = record.partition else {
            state.deadLetters.append(record)
            return Int64(state.deadLetters.count - 1)
        }
        let offset = Int64(state.events[partition]?.count ?? 0)
        state.events[partition, default: []].append(
            KafkaRecord(
                topic: record.topic, partition: partition, offset: offset, timestamp: offset, key: record.key,
                value: record.value, headers: record.headers))
        return offset
    }

    var isCongested: Bool { false }

    func waitForCapacity() async {}

    func endOffset(of partition: Int32) async throws -> Int64 { Int64(events(partition).count) }

    func read(
        _ partition: Int32, from offset: Int64, _ body: @escaping @Sendable ([KafkaRecord]) -> Void
    ) async throws {
        state.withLock { $0.readings += 1 }
        body(Array(events(partition).dropFirst(Int(offset))))
    }

    func events(_ partition: Int32) -> [KafkaRecord] { state.withLock { $0.events[partition] ?? [] } }

    var deadLetters: [ProducerRecord] { state.withLock { $0.deadLetters } }

    /// The records on the topic of bigger machines, in order.
    var forwarded: [ProducerRecord] { state.withLock { $0.forwarded } }

    /// Whether that topic is away.
    var refusesForwarded: Bool {
        get { state.withLock { $0.refusesForwarded } }
        set { state.withLock { $0.refusesForwarded = newValue } }
    }

    /// How often a partition was read.
    var readings: Int { state.withLock { $0.readings } }

    /// Appends as somebody else would.
    func plant(_ record: ProducerRecord) {
        append(record) { _ in }
    }

    func failNext(_ count: Int) {
        state.withLock { $0.failures = count }
    }

    func holdAcknowledgements() {
        state.withLock { $0.isHolding = true }
    }

    func releaseAcknowledgements() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for acknowledge in held { acknowledge() }
    }
}
