import DequeModule
import Dispatch
package import Kafka
package import Logging
package import SessionStore
import Synchronization
import TurnHost

/// The parent's run-time: a member of the consumer group that hands requests to its turn hosts and commits what they
/// have settled.
///
/// ``ConsumerCore`` decides, under a lock; what it decides is carried out here, in order and outside the lock.
package final class WorkerConsumer: Sendable {
    struct Clients: Sendable {
        let consumer: KafkaConsumer
        let producer: KafkaProducer
        let admin: KafkaAdmin
        let reader: KafkaReader
        let pool: HostPool
        let preparation: PartitionPreparation
        let scout: StopScout
    }

    private struct State {
        var core: ConsumerCore
        var outbox: Deque<ConsumerCore.Action> = []
        var isPerforming = false
    }

    private enum Ending: Sendable {
        case drain
        case failed(KafkaError)
    }

    let options: ConsumerOptions
    let logger: Logger
    let store: any SessionStore
    let watch = HealthWatch()
    private let hostFactory: HostFactory
    private let intake: RequestIntake
    private let state: Mutex<State>
    private let running = Mutex<Clients?>(nil)
    /// Rung whenever a host has let go of something, for a rebalance that waits for it.
    let yields = DispatchSemaphore(value: 0)
    private let endings: AsyncStream<Ending>
    private let endingsInput: AsyncStream<Ending>.Continuation

    /// Connects to nothing yet.
    package init(
        options: ConsumerOptions, store: any SessionStore, makeHost: HostFactory, logger: Logger
    ) {
        self.options = options
        self.store = store
        self.hostFactory = makeHost
        self.logger = logger
        intake = RequestIntake(maximumBytes: options.maxRequestBytes)
        state = Mutex(State(core: ConsumerCore(settings: options.core)))
        (endings, endingsInput) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(1))
    }

    /// Joins the group and works until ``beginDrain()``, or until the task is cancelled, which is the same; then lets
    /// running turns finish within their budget, commits, leaves the group and stops the hosts. To be called once.
    /// - Throws: a `KafkaError` for a property that librdkafka refuses, or when the client can do nothing more.
    package func run() async throws {
        let clients = try makeClients()
        running.withLock { $0 = clients }
        clients.pool.start()
        let watches = [
            Task { await self.keepTime() }, Task { await self.watchHosts() }, Task { await self.watchStore() },
            Task { await self.watchParks() },
        ]
        defer { for watch in watches { watch.cancel() } }
        var failure: (any Error)?
        do {
            try clients.consumer.subscribe([options.requestsTopic])
            failure = await firstEnding()
        } catch {
            failure = error
        }
        // Cancellation must not cut the drain short.
        await Task { await self.drain(clients) }.value
        if let failure { throw failure }
    }

    /// Asks ``run()`` to end. Returns at once; may be called again, and from a signal's handler task.
    package func beginDrain() {
        endingsInput.yield(.drain)
    }

    /// What is going on.
    package var status: ConsumerStatus {
        var status = state.withLock { $0.core.status(at: .now) }
        guard let clients = running.withLock({ $0 }) else { return status }
        status.pollAge = ContinuousClock.now - clients.consumer.lastPoll
        for index in status.partitions.indices {
            status.partitions[index].end = clients.consumer.watermarks(of: status.partitions[index].partition)?.high
        }
        for host in clients.pool.hosts where status.hosts.indices.contains(host.slot) {
            status.hosts[host.slot].hostID = host.hostID
            status.hosts[host.slot].processID = host.processID
        }
        return status
    }

    /// Nil before ``run()``.
    package var groupMembership: GroupMembership? { clients?.consumer.groupMembership }

    var clients: Clients? { running.withLock { $0 } }

    /// Takes in what happened, then carries out what follows from it. Whoever finds another thread at that leaves it
    /// to that one, so that the order is kept.
    func step(_ body: @Sendable (inout ConsumerCore) -> [ConsumerCore.Action]) {
        state.withLock { state in state.outbox += body(&state.core) }
        while let actions = takeActions() {
            for action in actions { perform(action) }
            state.withLock { $0.isPerforming = false }
        }
    }

    /// Asks the core, or changes what asks for no action.
    func withCore<Result: Sendable>(_ body: @Sendable (inout ConsumerCore) -> Result) -> Result {
        state.withLock { body(&$0.core) }
    }

    func examine(_ records: [KafkaRecord]) -> [ConsumerCore.Incoming] {
        records.map { ConsumerCore.Incoming(record: $0, verdict: intake.examine($0)) }
    }

    func fail(_ error: KafkaError) {
        endingsInput.yield(.failed(error))
    }

    private func takeActions() -> Deque<ConsumerCore.Action>? {
        state.withLock { state in
            guard !state.isPerforming, !state.outbox.isEmpty else { return nil }
            state.isPerforming = true
            defer { state.outbox = [] }
            return state.outbox
        }
    }

    private func makeClients() throws(KafkaError) -> Clients {
        let consumer = try KafkaConsumer(
            options.consumerProperties, delegate: self, batchRecords: options.batchRecords, logger: logger)
        let producer = try KafkaProducer(options.producerProperties, logger: logger)
        let admin = try KafkaAdmin(options.kafka, logger: logger)
        let reader = try KafkaReader(options.kafka, logger: logger)
        let poolOptions = HostPool.Options(
            slots: options.core.slots, slotsOnDemand: options.core.trialSlots,
            hostIDPrefix: options.hostIDPrefix, settings: options.hostSettings,
            keepsSpare: options.hosts > 0)
        let pool = HostPool(options: poolOptions, factory: hostFactory) { [weak self] in self?.happened($0) }
        let preparation = PartitionPreparation(
            options: options, store: store, consumer: consumer, admin: admin, reader: reader, logger: logger)
        return Clients(
            consumer: consumer, producer: producer, admin: admin, reader: reader, pool: pool, preparation: preparation,
            scout: makeScout(scan: StopScan(intake: intake)))
    }

    private func firstEnding() async -> KafkaError? {
        // A cancelled task's stream ends: that is a drain too.
        for await case .failed(let error) in endings.prefix(1) { return error }
        return nil
    }

    private func keepTime() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
            step { $0.tick(at: .now) }
            if let paused = clients?.consumer.paused { step { $0.alignFlow(paused: paused) } }
            scoutIfNeeded()
        }
    }

    private func drain(_ clients: Clients) async {
        let deadline = ContinuousClock.now + options.drainTimeout
        step { $0.hold(for: .drain) }
        let partitions = withCore { $0.partitions }
        // The rest of the time is for those that have to be handed over after all.
        let grace = options.drainTimeout * 3 / 4
        step { $0.beginRevoke(partitions, grace: grace) }
        while ContinuousClock.now < deadline, !withCore({ $0.isYielded(partitions) }) {
            try? await Task.sleep(for: .milliseconds(10))
        }
        await clients.scout.close()
        _ = await clients.producer.flush(timeout: max(deadline - .now, .seconds(1)))
        // Leaving the group revokes what is left, and that commits.
        await clients.consumer.close()
        await clients.pool.stop(grace: .seconds(5))
        await clients.producer.close()
        await clients.reader.close()
        await clients.admin.close()
        // The pool's and the consumer's threads are done; what they held of this object ends here.
        running.withLock { $0 = nil }
    }
}
