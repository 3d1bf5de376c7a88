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

    private static let batchRecords = 1_000
    private static let batchBytes = 8 << 20

    let handle: ClientHandle
    let events: ConsumerEvents
    private let stage = Mutex(Stage.open)
    private let started = ContinuousClock.now
    private let sinceStart = Atomic<Int64>(0)

    init(handle: ClientHandle, events: ConsumerEvents) {
        self.handle = handle
        self.events = events
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
        try? handle.withClient("leave the group") { client throws(KafkaError) in
            _ = rd_kafka_consumer_close(client)
        }
        events.close()
        handle.destroy()
        let waiters = stage.withLock { stage in
            defer { stage = .closed }
            if case .closing(let waiters) = stage { return waiters }
            return []
        }
        for waiter in waiters { waiter.resume() }
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
            while events.recordCount < Self.batchRecords, events.byteCount < Self.batchBytes,
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
