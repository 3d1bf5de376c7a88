import CarryonTesting
import Conversation
import Kafka
import Logging
import SessionStore
import Synchronization
import TestSupport

@testable import Gateway

/// A gateway in the test's process, with a broker and a store of its own, whose events the test writes itself.
struct EventServer: Sendable {
    let port: Int
    let broker: EmbeddedBroker
    let store: MemorySessionStore
    private let producer: KafkaProducer

    var url: String { "http://127.0.0.1:\(port)" }

    private static let quiet = Logger(label: "gateway-tests", factory: { _ in SwiftLogNoOpLogHandler() })

    /// Serves while `body` runs.
    static func serving(
        _ change: (inout GatewayOptions) -> Void = { _ in }, operations: GatewayOperations = .none,
        _ body: (EventServer) async throws -> Void
    ) async throws {
        let broker = try EmbeddedBroker(topics: ["requests": 2, "events": 2, "letters": 1], logger: quiet)
        var options = GatewayOptions(
            host: "127.0.0.1", port: 0, requestsTopic: "requests", eventsTopic: "events")
        change(&options)
        let kafka: KafkaProperties = [
            "bootstrap.servers": broker.bootstrapServers, "log_level": "0", "fetch.wait.max.ms": "10",
        ]
        let store = MemorySessionStore()
        let port = Mutex<Int?>(nil)
        let gateway = try Gateway(
            options: options, store: store, kafka: kafka, operations: operations, logger: quiet
        ) { opened in
            port.withLock { $0 = opened }
        }
        let running = Task { try await gateway.run() }
        let producer = try KafkaProducer(kafka.merging(["linger.ms": "0"]), logger: quiet)
        var failure: (any Error)?
        do {
            let opened = try await eventually(timeout: .seconds(20)) { port.withLock { $0 } }
            try await body(EventServer(port: opened, broker: broker, store: store, producer: producer))
        } catch {
            failure = error
        }
        running.cancel()
        _ = try? await running.value
        await producer.close()
        await broker.close()
        if let failure { throw failure }
    }

    /// What was sent on the requests topic.
    func request(partition: Int32, offset: Int64) async throws -> KafkaRecord? {
        let reader = try KafkaReader(
            ["bootstrap.servers": broker.bootstrapServers, "log_level": "0", "fetch.wait.max.ms": "10"],
            logger: Self.quiet)
        let record = try await reader.fetch(TopicPartition(topic: "requests", partition: partition), offset: offset)
        await reader.close()
        return record
    }

    /// Writes events of a session, and returns when the broker has them.
    func write(_ events: [Event], partition: Int32 = 1) async throws {
        let records = events.map { event in
            ProducerRecord(
                topic: "events", partition: partition, key: Array(event.session.utf8), value: event.valueBytes,
                headers: event.headers.map { KafkaHeader(name: $0.name, value: $0.value) })
        }
        for result in await producer.send(records) { _ = try result.get() }
    }

    /// The words of a turn, each an event.
    static func words(_ session: String, _ seqs: ClosedRange<Int64>, turn: Int = 0, padding: Int = 0) -> [Event] {
        let filler = String(repeating: "x", count: padding)
        return seqs.map { seq in
            Event(
                session: session, seq: seq, turn: turn, run: 1, requestID: "r",
                body: .chunk(.textDelta(id: "t1", delta: " \(seq)\(filler)")))
        }
    }
}
