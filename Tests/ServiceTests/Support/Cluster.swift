import Conversation
import Foundation
import Kafka
import Logging
import SessionStore
import Synchronization
import TestSupport

/// A broker, a session store and whatever processes a test starts around them, all under names of their own.
final class Cluster: Sendable {
    let kind: BrokerKind
    /// Unique: the group's id and the topics' prefix.
    let name: String
    let partitions: Int
    let bootstrapServers: String
    let directory: TemporaryDirectory
    /// The store that the workers write to, for looking into.
    let store: any SessionStore
    /// What the workers are told of it.
    let storeSetting: String
    let admin: KafkaAdmin
    /// What the settings call the log; the embedded broker's own id is the same each time.
    let logIdentity: String?

    /// The broker process, if the cluster has one; its own if it was asked for.
    let tansu: Tansu?
    private let embedded: EmbeddedBroker?
    private let reader: KafkaReader
    private let producer: KafkaProducer
    private let processes = Mutex<[CarryonProcess]>([])

    static let quiet = Logger(label: "service-tests", factory: { _ in SwiftLogNoOpLogHandler() })

    /// - Parameters:
    ///   - hasOwnBroker: whether a broker process is the cluster's alone, to do harm to.
    ///   - store: the store, if it is not a file in the cluster's directory.
    ///   - other: another cluster's name, directory and store, for a broker that takes the place of another.
    init(
        _ kind: BrokerKind, partitions: Int, hasOwnBroker: Bool = false, store given: TestStore? = nil,
        sharing other: Cluster? = nil
    ) async throws {
        self.kind = kind
        self.partitions = partitions
        name = other?.name ?? "t\(UInt32.random(in: .min ... .max))"
        directory = try other?.directory ?? TemporaryDirectory(prefix: "carryon-service")
        let topics = ["\(name).requests": partitions, "\(name).events": partitions, "\(name).dead-letters": 1]
        switch kind {
        case .tansu:
            let tansu = hasOwnBroker ? try await Tansu.start() : try await SharedTansu.shared.broker()
            self.tansu = tansu
            embedded = nil
            logIdentity = nil
            bootstrapServers = tansu.bootstrapServers
            for (topic, partitions) in topics { try await tansu.createTopic(topic, partitions: partitions) }
        case .embedded:
            let broker = try EmbeddedBroker(topics: topics, logger: Self.quiet)
            embedded = broker
            tansu = nil
            logIdentity = UUID().uuidString
            bootstrapServers = broker.bootstrapServers
        }
        if let other {
            (store, storeSetting) = (other.store, other.storeSetting)
        } else {
            let store = try given ?? TestStore(sqliteAt: directory.path("sessions.sqlite"))
            (self.store, storeSetting) = (store.store, store.setting)
        }
        let properties: KafkaProperties = [
            "bootstrap.servers": bootstrapServers, "log_level": "0", "fetch.wait.max.ms": kind == .tansu ? "50" : "10",
            "fetch.message.max.bytes": "16777216",
        ]
        admin = try KafkaAdmin(
            ["bootstrap.servers": bootstrapServers, "log_level": "0"], logger: Self.quiet)
        reader = try KafkaReader(properties, logger: Self.quiet)
        producer = try KafkaProducer(
            ["bootstrap.servers": bootstrapServers, "log_level": "0", "message.max.bytes": "16777216"],
            logger: Self.quiet)
    }

    var requestsTopic: String { "\(name).requests" }
    var eventsTopic: String { "\(name).events" }
    var deadLettersTopic: String { "\(name).dead-letters" }

    /// The settings that every process of the cluster gets.
    var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARRYON_") }
        environment["CARRYON_KAFKA_BOOTSTRAP_SERVERS"] = bootstrapServers
        environment["CARRYON_KAFKA_SESSION_TIMEOUT_MS"] = "6000"
        environment["CARRYON_KAFKA_HEARTBEAT_INTERVAL_MS"] = "500"
        environment["CARRYON_KAFKA_FETCH_WAIT_MAX_MS"] = kind == .tansu ? "50" : "20"
        environment["CARRYON_KAFKA_AUTO_OFFSET_RESET"] = "earliest"
        environment["CARRYON_GROUP_ID"] = name
        environment["CARRYON_TOPIC_PREFIX"] = name
        environment["CARRYON_STORE"] = storeSetting
        environment["CARRYON_HOSTS"] = "1"
        environment["CARRYON_ADMIN_ADDRESS"] = "127.0.0.1:0"
        environment["CARRYON_FAULT_INJECTION"] = "1"
        environment["CARRYON_LOG_IDENTITY"] = logIdentity
        // What a killed process leaves behind goes with the cluster.
        environment["TMPDIR"] = directory.url.path(percentEncoded: false)
        return environment
    }

    /// Starts `carryon` with these arguments, and further variables.
    func start(
        _ arguments: [String], name: String, input: String? = nil, variables: [String: String] = [:]
    ) async throws -> CarryonProcess {
        let process = try await CarryonProcess.start(
            arguments, name: name, environment: environment.merging(variables) { $1 }, directory: directory.url,
            input: input)
        processes.withLock { $0.append(process) }
        return process
    }

    /// Starts a worker with these further settings. It joins the group in the background.
    func startWorker(_ name: String, _ flags: [String] = []) async throws -> CarryonProcess {
        try await start(["work"] + flags, name: name)
    }

    /// Runs a command to its end.
    func run(
        _ arguments: [String], input: String? = nil, variables: [String: String] = [:]
    ) async throws -> CarryonProcess {
        let name = "command-\(UInt32.random(in: .min ... .max))"
        let process = try await start(arguments, name: name, input: input, variables: variables)
        _ = try await process.end(within: .seconds(60))
        return process
    }

    /// Sends a user's message.
    func send(_ text: String, to session: String) async throws -> SentRequest {
        let request: JSON = ["type": "message", "text": .string(text)]
        return try await produce(key: Array(session.utf8), value: request.serialized(), session: session)
    }

    func produce(
        key: [UInt8]?, value: [UInt8]?, headers: [KafkaHeader] = [], partition: Int32? = nil, session: String? = nil
    ) async throws -> SentRequest {
        let delivery = try await producer.deliver(
            ProducerRecord(topic: requestsTopic, partition: partition, key: key, value: value, headers: headers))
        return SentRequest(
            session: session, partition: TopicPartition(topic: requestsTopic, partition: delivery.partition),
            offset: delivery.offset)
    }

    /// Sends many messages, each session's in this order.
    func send(_ messages: [(session: String, text: String)]) async throws -> [SentRequest] {
        let records = messages.map { message in
            let request: JSON = ["type": "message", "text": .string(message.text)]
            return ProducerRecord(
                topic: requestsTopic, partition: partition(of: message.session), key: Array(message.session.utf8),
                value: request.serialized())
        }
        let results = await producer.send(records)
        return try zip(messages, results).map { message, result in
            SentRequest(
                session: message.session,
                partition: TopicPartition(topic: requestsTopic, partition: partition(of: message.session)),
                offset: try result.get())
        }
    }

    /// A partition of the session's own, whatever the partitioner: all that counts is that it is always the same.
    private func partition(of session: String) -> Int32 {
        Int32(session.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % partitions)
    }

    /// Writes any records.
    func write(_ records: [ProducerRecord]) async throws {
        for result in await producer.send(records) { _ = try result.get() }
    }

    /// Deletes a topic and makes it again, empty. Nobody may be reading it.
    func remakeTopic(_ topic: String) async throws {
        try await admin.deleteTopic(topic)
        try await admin.createTopic(name: topic, partitions: topic == deadLettersTopic ? 1 : partitions)
    }

    /// Everything on a topic, each partition's records in order.
    func records(on topic: String, partitions: Int) async throws -> [KafkaRecord] {
        let starts = (0..<Int32(partitions)).map {
            (TopicPartition(topic: topic, partition: $0), StartOffset.beginning)
        }
        let found = Mutex<[KafkaRecord]>([])
        _ = try await reader.read(from: Dictionary(uniqueKeysWithValues: starts), untilEnd: true) { batch in
            found.withLock { $0 += batch }
            return .proceed
        }
        return found.withLock { $0 }
    }

    /// Everything on the events topic.
    func eventRecords() async throws -> [KafkaRecord] {
        try await records(on: eventsTopic, partitions: partitions)
    }

    func events(of session: String) async throws -> SessionEvents {
        try SessionEvents(session: session, records: try await eventRecords())
    }

    func deadLetters() async throws -> [KafkaRecord] {
        try await records(on: deadLettersTopic, partitions: 1)
    }

    func runs(of session: String) async throws -> [StoredRun] {
        try await store.listRuns(session: session, status: nil, regions: nil, cursor: nil, limit: 1000).items
            .sorted { ($0.turn, $0.run) < ($1.turn, $1.run) }
    }

    /// Ends every process and lets the broker go.
    func end() async {
        for process in processes.withLock({ $0 }) { process.signal(SIGKILL) }
        await producer.close(timeout: .seconds(1))
        await reader.close()
        await admin.close()
        await embedded?.close()
    }

    /// What the processes said last.
    func lastWords() -> String {
        processes.withLock { $0 }.map { $0.lastWords() }.joined(separator: "\n")
    }
}
