internal import CRdkafka
internal import Synchronization

/// The heart of a producer: what is outstanding, who waits for what, and the thread that serves delivery reports.
///
/// The lock is held while a record is offered to librdkafka, which keeps the order of calls in front of a full queue;
/// librdkafka calls nothing back from there.
final class ProducerLoop: Sendable {
    private enum Stage {
        case open
        /// Accepts no more; ends when nothing is outstanding or at the deadline.
        case closing(deadline: ContinuousClock.Instant)
        case closed
    }

    private struct Waiting {
        let record: ProducerRecord
        let delivery: Delivery?
    }

    private struct Refusal {
        let bytes: Int
        let delivery: Delivery?
        let error: KafkaError
    }

    private struct FlushWaiter {
        let deadline: ContinuousClock.Instant
        let continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var stage = Stage.open
        var queue = RecordQueue()
        var overflow = OverflowQueue<Waiting>()
        var refusals: [Refusal] = []
        var gauge: CapacityGauge
        var nextWaiter = 0
        var capacityWaiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var flushWaiters: [FlushWaiter] = []
        var closeWaiters: [CheckedContinuation<Void, Never>] = []
    }

    private enum Step {
        case poll(milliseconds: Int32)
        case flush
        case finish
    }

    private static let drainAtOnce = 1_000

    let handle: ClientHandle
    private let reports: DeliveryReports
    private let state: Mutex<State>

    init(handle: ClientHandle, reports: DeliveryReports, capacity: ProducerCapacity) {
        self.handle = handle
        self.reports = reports
        state = Mutex(State(gauge: CapacityGauge(capacity)))
    }

    var outstanding: Int { state.withLock { $0.gauge.records } }

    func produce(_ record: ProducerRecord, _ report: (@Sendable (Result<RecordMetadata, KafkaError>) -> Void)?) {
        let delivery = report.map { Delivery($0) }
        enum Taken { case yes, refused, closed }
        let taken: Taken = state.withLock { state in
            guard case .open = state.stage else { return .closed }
            state.gauge.add(bytes: record.byteCount)
            guard state.overflow.isEmpty else {
                state.overflow.append(Waiting(record: record, delivery: delivery))
                return .yes
            }
            switch state.queue.offer(record, delivery, to: handle) {
            case .accepted: return .yes
            case .full:
                state.overflow.append(Waiting(record: record, delivery: delivery))
                return .yes
            case .refused(let error):
                state.refusals.append(Refusal(bytes: record.byteCount, delivery: delivery, error: error))
                return .refused
            }
        }
        switch taken {
        case .yes: break
        case .refused: handle.wakePoll(RD_KAFKA_PRODUCER)
        case .closed: report?(.failure(.closed("write a record")))
        }
    }

    func waitForCapacity() async {
        let waiter: Int? = state.withLock { state in
            guard state.gauge.isFull, case .open = state.stage else { return nil }
            state.nextWaiter += 1
            return state.nextWaiter
        }
        guard let waiter else { return }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waits = state.withLock { state in
                    guard state.gauge.isFull, case .open = state.stage, !Task.isCancelled else { return false }
                    state.capacityWaiters[waiter] = continuation
                    return true
                }
                if !waits { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.capacityWaiters.removeValue(forKey: waiter) }?.resume()
        }
    }

    func flush(timeout: Duration) async -> Bool {
        await withCheckedContinuation { continuation in
            let known: Bool? = state.withLock { state in
                if state.gauge.records == 0 { return true }
                if case .closed = state.stage { return false }
                let deadline = ContinuousClock.now.advanced(by: timeout)
                state.flushWaiters.append(FlushWaiter(deadline: deadline, continuation: continuation))
                return nil
            }
            if let known { continuation.resume(returning: known) } else { handle.wakePoll(RD_KAFKA_PRODUCER) }
        }
    }

    /// The first call decides the time that outstanding records are given.
    func close(timeout: Duration) async {
        await withCheckedContinuation { continuation in
            let isClosed = state.withLock { state in
                if case .closed = state.stage { return true }
                state.closeWaiters.append(continuation)
                return false
            }
            if isClosed { continuation.resume() } else { beginClosing(timeout: timeout) }
        }
    }

    func beginClosing(timeout: Duration) {
        state.withLock { state in
            guard case .open = state.stage else { return }
            state.stage = .closing(deadline: ContinuousClock.now.advanced(by: timeout))
        }
        handle.wakePoll(RD_KAFKA_PRODUCER)
    }

    /// The poll thread's life.
    func run() {
        while true {
            switch nextStep() {
            case .poll(let milliseconds):
                serve { rd_kafka_poll($0, milliseconds) }
            case .flush:
                // Unlike a poll, it sends without lingering.
                serve { _ = rd_kafka_flush($0, 20) }
            case .finish:
                return finish()
            }
            settle()
        }
    }

    private func serve(_ body: (OpaquePointer) -> Void) {
        try? handle.withClient("serve delivery reports") { client throws(KafkaError) in body(client) }
    }

    private func nextStep() -> Step {
        state.withLock { state in
            if case .closing(let deadline) = state.stage {
                return state.gauge.records == 0 || ContinuousClock.now >= deadline ? .finish : .flush
            }
            if !state.flushWaiters.isEmpty { return .flush }
            return .poll(milliseconds: state.overflow.isEmpty ? 100 : 5)
        }
    }

    /// Books what was delivered or refused, moves waiting records on, and wakes who waited for it.
    private func settle() {
        let refusals = state.withLock { state in
            defer { state.refusals = [] }
            return state.refusals
        }
        for refusal in refusals { refusal.delivery?.report(.failure(refusal.error)) }

        let delivered = reports.take()
        let now = ContinuousClock.now
        let (capacity, flushed) = state.withLock { state in
            let hasRoom = state.gauge.remove(
                records: delivered.records + refusals.count,
                bytes: delivered.bytes + refusals.reduce(0) { $0 + $1.bytes })
            drainOverflow(&state)
            let capacity = hasRoom ? Array(state.capacityWaiters.values) : []
            if hasRoom { state.capacityWaiters = [:] }
            let isEmpty = state.gauge.records == 0
            let flushed = state.flushWaiters.filter { isEmpty || $0.deadline <= now }
            state.flushWaiters.removeAll { isEmpty || $0.deadline <= now }
            return (capacity, flushed.map { ($0.continuation, isEmpty) })
        }
        for continuation in capacity { continuation.resume() }
        for (continuation, isEmpty) in flushed { continuation.resume(returning: isEmpty) }
    }

    private func drainOverflow(_ state: inout State) {
        for _ in 0..<Self.drainAtOnce {
            guard let waiting = state.overflow.first else { return }
            switch state.queue.offer(waiting.record, waiting.delivery, to: handle) {
            case .full: return
            case .accepted: break
            case .refused(let error):
                state.refusals.append(
                    Refusal(bytes: waiting.record.byteCount, delivery: waiting.delivery, error: error))
            }
            _ = state.overflow.popFirst()
        }
    }

    /// What could not be delivered in time is reported as purged; then the client goes.
    private func finish() {
        let operation = "write a record"
        let waiting = state.withLock { state in
            defer { state.queue.releaseTopics() }
            return state.overflow.removeAll()
        }
        let purged = KafkaError(RD_KAFKA_RESP_ERR__PURGE_QUEUE, operation: operation)
        for record in waiting { record.delivery?.report(.failure(purged)) }
        serve { client in
            guard rd_kafka_outq_len(client) > 0 else { return }
            rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT)
            let deadline = ContinuousClock.now.advanced(by: .seconds(5))
            while rd_kafka_outq_len(client) > 0, ContinuousClock.now < deadline { rd_kafka_poll(client, 10) }
        }
        settle()
        handle.destroy()

        let (capacity, flush, close) = state.withLock { state in
            state.stage = .closed
            _ = state.gauge.remove(
                records: waiting.count, bytes: waiting.reduce(0) { $0 + $1.record.byteCount })
            defer { (state.capacityWaiters, state.flushWaiters, state.closeWaiters) = ([:], [], []) }
            return (Array(state.capacityWaiters.values), state.flushWaiters, state.closeWaiters)
        }
        for continuation in capacity { continuation.resume() }
        for waiter in flush { waiter.continuation.resume(returning: false) }
        for continuation in close { continuation.resume() }
    }
}
