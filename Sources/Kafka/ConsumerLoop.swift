internal import CRdkafka
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A consumer's poll thread: waits for a first message, then takes what is there, up to a batch.
final class ConsumerLoop: Sendable {
    private enum Stage {
        case open
        case closing([CheckedContinuation<Void, Never>])
        case closed
    }

    private static let batchBytes = 8 << 20
    /// Leaving is a courtesy: without it, the group notices at the session timeout.
    private static let leaveSeconds = 10
    /// Before 2.3, librdkafka ends the process with a failed assertion when a member of a cooperative group is destroyed
    /// that was never assigned anything (https://github.com/confluentinc/librdkafka/issues/4312).
    private static let firstVersionSafeToDestroy: Int32 = 0x0203_0000

    let handle: ClientHandle
    let events: ConsumerEvents
    private let batchRecords: Int
    private let stage = Mutex(Stage.open)
    private let started = ContinuousClock.now
    private let sinceStart = Atomic<Int64>(0)

    init(handle: ClientHandle, events: ConsumerEvents, batchRecords: Int) {
        self.handle = handle
        self.events = events
        self.batchRecords = max(batchRecords, 1)
    }

    /// When the thread last went to poll.
    var lastPoll: ContinuousClock.Instant {
        started.advanced(by: .nanoseconds(sinceStart.load(ordering: .relaxed)))
    }

    func close() async {
        await withCheckedContinuation { continuation in
            let isClosed = stage.withLock { stage in
                switch stage {
                case .open: stage = .closing([continuation])
                case .closing(let waiters): stage = .closing(waiters + [continuation])
                case .closed: return true
                }
                return false
            }
            if isClosed { continuation.resume() } else { handle.wakePoll(RD_KAFKA_CONSUMER) }
        }
    }

    func beginClosing() {
        stage.withLock { stage in
            if case .open = stage { stage = .closing([]) }
        }
        handle.wakePoll(RD_KAFKA_CONSUMER)
    }

    /// The poll thread's life.
    func run() {
        var poll = MessagePoll()
        while isOpen {
            notePoll()
            gather(&poll)
            events.deliver()
        }
        leaveGroup()
        let isSafeToDestroy = events.membership != .joining || rd_kafka_version() >= Self.firstVersionSafeToDestroy
        events.close()
        if isSafeToDestroy { handle.destroy() } else { handle.abandon() }
        let waiters = stage.withLock { stage in
            defer { stage = .closed }
            if case .closing(let waiters) = stage { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume() }
    }

    /// `rd_kafka_consumer_close` waits for its end without a bound, and a wake that falls into it takes its queue away
    /// while the group still waits for that queue's rebalance to be served. So the queue is ours, and so is the bound.
    private func leaveGroup() {
        try? handle.withClient("leave the group") { client throws(KafkaError) in
            guard let queue = rd_kafka_queue_new(client) else { return }
            defer { rd_kafka_queue_destroy(queue) }
            if let refusal = rd_kafka_consumer_close_queue(client, queue) {
                let error = KafkaError(consuming: refusal, operation: "leave the group")
                // After a fatal error, which was told before, there is no group to leave.
                if !error.isFatal { events.failed(error) }
                return
            }
            let deadline = ContinuousClock.now.advanced(by: .seconds(Self.leaveSeconds))
            while rd_kafka_consumer_closed(client) == 0, .now < deadline {
                rd_kafka_queue_poll_callback(queue, 100)
            }
            guard rd_kafka_consumer_closed(client) == 0 else { return }
            events.failed(
                KafkaError(
                    RD_KAFKA_RESP_ERR__TIMED_OUT, operation: "leave the group",
                    reason: "the group was not left within \(Self.leaveSeconds) s"))
        }
    }

    private var isOpen: Bool {
        stage.withLock { stage in
            if case .open = stage { return true }
            return false
        }
    }

    private func notePoll() {
        let (seconds, attoseconds) = started.duration(to: .now).components
        sinceStart.store(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, ordering: .relaxed)
    }

    private func gather(_ poll: inout MessagePoll) {
        try? handle.withClient("consume") { client throws(KafkaError) in
            var wait: Int32 = 100
            while events.recordCount < batchRecords, events.byteCount < Self.batchBytes,
                let message = poll.next(client, context: handle.context, wait: wait)
            {
                wait = 0
                if case .failed(let error, _) = message, error.isFatal {
                    failFatally(error)
                    return
                }
                events.take(message)
            }
        }
    }

    /// After a fatal error every poll reports it again at once: told once, and no busy loop.
    private func failFatally(_ error: KafkaError) {
        if case .fenced = events.membership {} else { events.failed(error) }
        usleep(100_000)
    }
}
