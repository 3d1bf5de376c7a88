import Consumer
import Kafka
import Logging
import SessionStore
import Synchronization
import TestSupport
import TurnHost

/// A consumer on an embedded broker, with hosts that settle what they are told to.
final class EmbeddedWorker: Sendable {
    static let logger: Logger = {
        var logger = Logger(label: "consumer-tests", factory: { StreamLogHandler.standardError(label: $0) })
        logger.logLevel = .critical
        return logger
    }()

    let broker: EmbeddedBroker
    let store: SQLiteSessionStore
    let hosts: FakeHosts
    let consumer: WorkerConsumer
    private let directory: TemporaryDirectory
    private let task = Mutex<Task<Void, any Error>?>(nil)

    static let topics = ["chat.requests": 1, "chat.events": 1, "chat.dead-letters": 1]

    init(
        hosts: FakeHosts, brokers: Int = 1, topics: [String: Int] = EmbeddedWorker.topics,
        change: (inout ConsumerOptions) -> Void = { _ in }
    ) throws {
        broker = try EmbeddedBroker(brokers: brokers, topics: topics, logger: Self.logger)
        directory = try TemporaryDirectory()
        store = try SQLiteSessionStore(path: directory.path("sessions.sqlite"), logger: Self.logger)
        self.hosts = hosts
        var options = ConsumerOptions(
            kafka: [
                "bootstrap.servers": broker.bootstrapServers, "fetch.wait.max.ms": "10",
                "session.timeout.ms": "6000", "heartbeat.interval.ms": "500",
            ], groupID: "workers", requestsTopic: "chat.requests", deadLettersTopic: "chat.dead-letters",
            eventsTopic: "chat.events", hosts: 2, hostIDPrefix: "w")
        options.commitInterval = .zero
        options.maxRequestBytes = 1_000
        options.logIdentityOverride = "cluster-1"
        options.drainTimeout = .seconds(2)
        options.revokeTimeout = .seconds(2)
        change(&options)
        consumer = WorkerConsumer(options: options, store: store, makeHost: hosts.factory, logger: Self.logger)
    }

    func start() {
        let consumer = consumer
        task.withLock { $0 = Task { try await consumer.run() } }
    }

    func stop() async throws {
        consumer.beginDrain()
        try await task.withLock { $0 }?.value
    }

    func shutDown() async throws {
        try await stop()
        try await store.close()
        await broker.close()
    }

    func send(_ records: [ProducerRecord]) async throws {
        let producer = try KafkaProducer(
            ["bootstrap.servers": broker.bootstrapServers, "message.max.bytes": "8000000"], logger: Self.logger)
        for result in await producer.send(records) { _ = try result.get() }
        await producer.close()
    }

    func committed() async throws -> Int64? {
        let admin = try KafkaAdmin(["bootstrap.servers": broker.bootstrapServers], logger: Self.logger)
        let offsets = try await admin.committedOffsets(group: "workers", partitions: [partition(0)])
        await admin.close()
        return offsets[partition(0)]?.offset
    }

    func deadLetters() async throws -> [KafkaRecord] {
        let reader = try KafkaReader(
            ["bootstrap.servers": broker.bootstrapServers, "fetch.wait.max.ms": "10"], logger: Self.logger)
        var found: [KafkaRecord] = []
        _ = try await reader.read(
            from: [TopicPartition(topic: "chat.dead-letters", partition: 0): .beginning], untilEnd: true
        ) { records in
            found += records
            return .proceed
        }
        await reader.close()
        return found
    }
}

func requestToSend(_ session: String?, _ value: [UInt8]?, partition: Int32 = 0) -> ProducerRecord {
    ProducerRecord(
        topic: requestsTopic, partition: partition, key: session.map { Array($0.utf8) }, value: value,
        headers: [KafkaHeader(name: "traceparent", value: [7])])
}

func messageToSend(_ session: String, partition: Int32 = 0) -> ProducerRecord {
    requestToSend(session, Array(#"{"type":"message","text":"hello"}"#.utf8), partition: partition)
}

/// Settles everything at once, and lets go of what is revoked.
let diligent: @Sendable (FakeHosts.Host, HostCommand) -> Void = { host, command in
    switch command {
    case .dispatch(let dispatches): host.onReport(.settled(entries: dispatches.map(\.entry)))
    case .revoke(let assignments, _): host.onReport(.yielded(assignments: assignments))
    case .askVitals: host.onReport(.vitals(HostVitals()))
    case .configure, .grant, .caughtUp, .lose, .stopAhead, .adjust, .pause, .resume, .park: break
    }
}

extension FakeHosts {
    /// Everything that any host was handed, as pairs of host and request.
    var dispatched: [(host: Host, dispatch: Dispatch)] {
        all.flatMap { host in
            host.commands.flatMap { command -> [(host: Host, dispatch: Dispatch)] in
                if case .dispatch(let dispatches) = command { dispatches.map { (host, $0) } } else { [] }
            }
        }
    }
}
