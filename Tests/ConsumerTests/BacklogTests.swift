import Consumer
import Kafka
import Logging
import SessionStore
import Synchronization
import Testing
import TestSupport
import TurnHost

@Suite("A backlog on a real broker", .enabled(if: Tansu.isAvailable))
struct BacklogTests {
    private static let quiet = Logger(label: "backlog-tests", factory: { _ in SwiftLogNoOpLogHandler() })

    @Test("A stop behind a backlog of 100,000 requests reaches its session's host at once", .timeLimit(.minutes(5)))
    func stops() async throws {
        let tansu = try await Tansu.start(topics: ["chat.requests": 1, "chat.events": 1, "chat.dead-letters": 1])
        defer { tansu.end() }
        let directory = try TemporaryDirectory()
        let store = try SQLiteSessionStore(path: directory.path("sessions.sqlite"), logger: Self.quiet)
        let arrivals = Mutex<[String: ContinuousClock.Instant]>([:])
        let hosts = FakeHosts { host, command in
            switch command {
            case .stopAhead(let stops):
                arrivals.withLock { arrivals in for stop in stops { arrivals[stop.session] = .now } }
            case .revoke(let assignments, _): host.onReport(.yielded(assignments: assignments))
            default: break
            }
        }
        let producer = try KafkaProducer(
            ["bootstrap.servers": tansu.bootstrapServers, "linger.ms": "5"], logger: Self.quiet)
        for batch in 0..<20 {
            let records = (0..<5_000).map { record("b\(batch)-\($0)", #"{"type":"message","text":"hello"}"#) }
            for result in await producer.send(records) { _ = try result.get() }
        }
        var options = ConsumerOptions(
            kafka: Tansu.consumerProperties.merging(["bootstrap.servers": tansu.bootstrapServers]),
            groupID: "workers", requestsTopic: "chat.requests", deadLettersTopic: "chat.dead-letters",
            eventsTopic: "chat.events", hosts: 1, hostIDPrefix: "w")
        options.maxInFlight = 100
        options.drainTimeout = .seconds(1)
        let consumer = WorkerConsumer(options: options, store: store, makeHost: hosts.factory, logger: Self.quiet)
        let running = Task { try await consumer.run() }
        try await eventually(timeout: .seconds(60)) { consumer.status.partitions.first?.isScouted == true }
        var times: [Duration] = []
        for index in 0..<20 {
            let session = "b0-\(index)"
            let sent = ContinuousClock.now
            let stop = record(session, #"{"type":"stop"}"#)
            for result in await producer.send([stop]) { _ = try result.get() }
            let seen = try await eventually(timeout: .seconds(20), every: .milliseconds(1)) {
                arrivals.withLock { $0[session] }
            }
            times.append(seen - sent)
        }
        // The first one waits for what lies in front of it to be read once.
        print("stops over a backlog: first \(times[0]), then p50 \(times.dropFirst().sorted()[9])")
        times = times.dropFirst().sorted()
        print("stops over a backlog: slowest \(times[18]), from sent to the host")
        #expect(times[18] < .seconds(2))
        #expect(consumer.status.partitions.first?.watermark == 0)
        consumer.beginDrain()
        try await running.value
        await producer.close()
        try await store.close()
    }

    private func record(_ session: String, _ value: String) -> ProducerRecord {
        ProducerRecord(topic: "chat.requests", partition: 0, key: Array(session.utf8), value: Array(value.utf8))
    }
}
