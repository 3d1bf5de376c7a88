import Conversation
import Kafka
import TurnHost

/// One worker's way to the events, which ends with the worker and waits with it.
struct WorkerEventLog: EventLog {
    let log: MemoryEventLog
    let worker: MockWorker

    func append(_ record: ProducerRecord, onAck: @escaping @Sendable (Result<Int64, any Error>) -> Void) {
        worker.write {
            guard !worker.isDead else { return onAck(.failure(WorkerIsDead())) }
            let offset = log.append(record)
            let acknowledge: @Sendable () -> Void = {
                onAck(worker.isDead ? .failure(WorkerIsDead()) : .success(offset))
            }
            if record.closesRequest, worker.waitsBeforeCommit(keeping: acknowledge) { return }
            acknowledge()
        }
    }

    /// A worker that stands still holds back whoever writes.
    var isCongested: Bool { worker.stands }

    func waitForCapacity() async { await worker.untilItGoesOn() }

    func endOffset(of partition: Int32) async throws -> Int64 {
        try worker.check()
        return log.end(of: MemoryEventLog.topic)
    }

    func read(
        _ partition: Int32, from offset: Int64, _ body: @escaping @Sendable ([KafkaRecord]) -> Void
    ) async throws {
        try worker.check()
        body(log.records(MemoryEventLog.topic, from: offset))
    }
}

extension ProducerRecord {
    /// Whether it is the control record that closes a request.
    fileprivate var closesRequest: Bool {
        guard topic == MemoryEventLog.topic, let value = headers.last(where: { $0.name == "control" })?.value else {
            return false
        }
        return ControlRecord.closingSubtypes.contains(String(decoding: value, as: UTF8.self))
    }
}
