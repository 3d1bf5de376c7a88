import Conversation
import Foundation
import Kafka
import Logging
import SessionStore
import TestSupport

/// What one run plays on: a broker behind its relay, a store, and the directory of everything.
final class Stage: Sendable {
    let broker: Tansu
    let partitions: Int
    let directory: URL
    let storeUnderTest: StoreUnderTest
    /// The same store, for looking into.
    let store: any SessionStore
    let producer: KafkaProducer
    let admin: KafkaAdmin
    let reader: KafkaReader
    /// The group, and the prefix of the topics.
    static let name = "chaos"
    static let requests = "\(name).requests"
    static let events = "\(name).events"
    static let deadLetters = "\(name).dead-letters"
    static let quiet = Logger(label: "carryon-chaos", factory: { _ in SwiftLogNoOpLogHandler() })

    init(_ kind: StoreKind, partitions: Int, directory: URL) async throws {
        self.partitions = partitions
        self.directory = directory
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        broker = try await Tansu.start(
            topics: [Self.requests: partitions, Self.events: partitions, Self.deadLetters: 1])
        storeUnderTest = try await StoreUnderTest(kind, directory: directory)
        store = try await storeUnderTest.open()
        let properties: KafkaProperties = [
            "bootstrap.servers": broker.bootstrapServers, "log_level": "0", "reconnect.backoff.ms": "50",
            "reconnect.backoff.max.ms": "500",
        ]
        producer = try KafkaProducer(properties, logger: Self.quiet)
        admin = try KafkaAdmin(properties, logger: Self.quiet)
        reader = try KafkaReader(properties.merging(["fetch.wait.max.ms": "50"]), logger: Self.quiet)
    }

    /// What every worker is told.
    func environment(_ settings: [String: String]) -> [String: String] {
        var environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CARRYON_") }
        let own = [
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "KAFKA_SESSION_TIMEOUT_MS": "6000",
            "KAFKA_HEARTBEAT_INTERVAL_MS": "500", "KAFKA_FETCH_WAIT_MAX_MS": "50",
            "KAFKA_AUTO_OFFSET_RESET": "earliest", "GROUP_ID": Self.name, "TOPIC_PREFIX": Self.name,
            "STORE": storeUnderTest.setting, "FAULT_INJECTION": "1", "LOG_FORMAT": "json",
            "MODEL_INTERVAL": "5ms", "HOST_MEMORY_LIMIT": "300MB",
        ]
        for (name, value) in own.merging(settings, uniquingKeysWith: { $1 }) { environment["CARRYON_\(name)"] = value }
        environment["TMPDIR"] = directory.path(percentEncoded: false)
        // A crash that is wanted needs no explanation, which would take seconds.
        environment["SWIFT_BACKTRACE"] = "enable=no"
        return environment
    }

    /// All partitions of the requests topic.
    var requestPartitions: [TopicPartition] {
        (0..<Int32(partitions)).map { TopicPartition(topic: Self.requests, partition: $0) }
    }

    /// A partition of the session's own.
    func partition(of session: String) -> Int32 {
        Int32(session.utf8.reduce(0) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % partitions)
    }

    /// The beginning of each partition of a topic.
    func beginnings(of topic: String) -> [TopicPartition: StartOffset] {
        let count = topic == Self.deadLetters ? 1 : partitions
        return Dictionary(
            uniqueKeysWithValues: (0..<Int32(count)).map { (TopicPartition(topic: topic, partition: $0), .beginning) })
    }

    /// Everything on a topic, each partition's records in their order.
    func records(on topic: String) async throws -> [KafkaRecord] {
        var found: [KafkaRecord] = []
        _ = try await reader.read(from: beginnings(of: topic), untilEnd: true) { batch in
            found += batch
            return .proceed
        }
        return found
    }

    /// Each session's events, in the order of the log. Those that can't be read are found by whoever follows them.
    func eventsBySession() async throws -> [String: [Event]] {
        var written: [String: [Event]] = [:]
        for record in try await records(on: Self.events) {
            guard
                let event = try? Event(
                    key: record.key, value: record.value, headers: record.headers.map { ($0.name, $0.value) })
            else { continue }
            written[event.session, default: []].append(event)
        }
        return written
    }

    func close() async {
        await producer.close(timeout: .seconds(1))
        await reader.close()
        await admin.close()
        try? await store.close()
        try? await storeUnderTest.end()
        broker.end()
    }
}
