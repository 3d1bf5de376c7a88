import Kafka
import TurnHost

/// One host's way to the events, which ends with the host.
struct CuttableEventLog: EventLog {
    let log: MemoryEventLog
    let lifeline: Lifeline

    func append(_ record: ProducerRecord, onAck: @escaping @Sendable (Result<Int64, any Error>) -> Void) {
        guard !lifeline.isCut else { return onAck(.failure(Lifeline.Cut())) }
        log.append(record) { onAck(lifeline.isCut ? .failure(Lifeline.Cut()) : $0) }
    }

    var isCongested: Bool { false }

    func waitForCapacity() async {}

    func endOffset(of partition: Int32) async throws -> Int64 {
        try lifeline.check()
        return try await log.endOffset(of: partition)
    }

    func read(
        _ partition: Int32, from offset: Int64, _ body: @escaping @Sendable ([KafkaRecord]) -> Void
    ) async throws {
        try lifeline.check()
        try await log.read(partition, from: offset, body)
    }
}
