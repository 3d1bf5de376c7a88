import Foundation
import Kafka
import Logging
import TestSupport

/// What a benchmark plays on: a broker in this process, a producer, a reader of the events, a directory, and workers.
final class Stage: Sendable {
    static let partitions = 6
    static let requestsTopic = "chat.requests"
    static let eventsTopic = "chat.events"

    let producer: KafkaProducer
    let events: EventTap
    let directory: URL
    /// For `CARRYON_STORE`.
    let store: String
    private let broker: Broker
    private let setting: BenchmarkSetting
    private let fetchWait: String
    private let properties: KafkaProperties
    private let logger: Logger

    /// What the workers of a benchmark talk to.
    enum BrokerKind: Sendable {
        /// In this process; it keeps the newest few megabytes of each partition.
        case embedded
        /// A process of its own, which keeps everything in memory.
        case tansu
    }

    private enum Broker: Sendable {
        case embedded(EmbeddedBroker)
        case tansu(Tansu)

        var bootstrapServers: String {
            switch self {
            case .embedded(let broker): broker.bootstrapServers
            case .tansu(let broker): broker.bootstrapServers
            }
        }

        func close() async {
            switch self {
            case .embedded(let broker): await broker.close()
            case .tansu(let broker): broker.end()
            }
        }
    }

    /// - Parameter store: for `CARRYON_STORE`; by default, a file in the stage's directory.
    init(_ setting: BenchmarkSetting, broker kind: BrokerKind = .embedded, store: String? = nil) async throws {
        self.setting = setting
        // With short waits, Tansu's long partitions deliver nothing.
        fetchWait = kind == .embedded ? "\(setting.fetchWaitMilliseconds)" : "50"
        var logger = Logger(label: "carryon-bench")
        logger.logLevel = .error
        directory = URL(fileURLWithPath: setting.directory).appendingPathComponent("carryon-bench-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let topics = [
            Self.requestsTopic: Self.partitions, Self.eventsTopic: Self.partitions, "chat.dead-letters": 1,
        ]
        switch kind {
        case .embedded: broker = .embedded(try EmbeddedBroker(topics: topics, logger: logger))
        case .tansu: broker = .tansu(try await Tansu.start(topics: topics))
        }
        self.store = store ?? "sqlite:\(directory.appendingPathComponent("sessions.sqlite").path)"
        self.logger = logger
        properties = ["bootstrap.servers": broker.bootstrapServers]
        producer = try KafkaProducer(properties.merging(["linger.ms": "2"]), logger: logger)
        events = try EventTap(properties.merging(["fetch.wait.max.ms": fetchWait]), logger: logger)
    }

    /// Starts a worker on this broker and store.
    func startWorker(hosts: Int, _ settings: [String: String] = [:]) throws -> WorkerUnderTest {
        try start(["work"], hosts: hosts, settings)
    }

    /// Starts a gateway on this broker and store, and waits until it answers.
    func startGateway(port: UInt16) async throws -> WorkerUnderTest {
        let gateway = try start(["gateway"], hosts: 0, ["GATEWAY_ADDRESS": "127.0.0.1:\(port)"])
        let deadline = ContinuousClock.now + .seconds(30)
        while (try? await LoadClient.status(port: port)) != 200 {
            guard ContinuousClock.now < deadline else {
                throw BenchmarkFailure("timeout", "the gateway did not answer within 30 s; see \(gateway.log.path)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        return gateway
    }

    /// Runs a command on this broker and store to its end.
    /// - Returns: what it printed.
    func run(_ command: [String], _ settings: [String: String], within seconds: Double) async throws -> String {
        let process = try start(command, hosts: 0, settings)
        await process.end(within: seconds)
        return try String(contentsOf: process.log, encoding: .utf8)
    }

    private func start(
        _ command: [String], hosts: Int, _ settings: [String: String]
    ) throws -> WorkerUnderTest {
        var all = [
            "KAFKA_BOOTSTRAP_SERVERS": broker.bootstrapServers, "KAFKA_FETCH_WAIT_MAX_MS": fetchWait,
            "LOG_IDENTITY": directory.lastPathComponent, "STORE": store, "HOSTS": "\(hosts)",
            "MODEL": "scripted", "LOG_LEVEL": "warning", "ADMIN_ADDRESS": "127.0.0.1:0",
            "KAFKA_SESSION_TIMEOUT_MS": "6000", "KAFKA_HEARTBEAT_INTERVAL_MS": "500",
            "KAFKA_AUTO_OFFSET_RESET": "earliest",
        ]
        all.merge(settings) { _, own in own }
        all.merge(setting.workerSettings) { _, given in given }
        return try WorkerUnderTest(
            executable: setting.executable, command: command, settings: all, directory: directory,
            log: directory.appendingPathComponent("\(command[0])-\(UUID().uuidString).log"))
    }

    /// Waits until a worker, at the log level `info`, says that it has partitions of the requests.
    func untilAssigned(_ worker: WorkerUnderTest, upTo limit: Duration) async throws {
        let deadline = ContinuousClock.now + limit
        while true {
            let said = (try? String(contentsOf: worker.log, encoding: .utf8)) ?? ""
            let isAssigned = said.split(separator: "\n")
                .contains { $0.contains("Partitions were assigned") && $0.contains(Self.requestsTopic) }
            if isAssigned { return }
            guard ContinuousClock.now < deadline else {
                throw BenchmarkFailure("timeout", "a worker had no partitions within \(limit)")
            }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    /// Waits until a group has committed everything there is.
    func untilCommitted(group: String, upTo limit: Duration) async throws {
        let admin = try KafkaAdmin(properties, logger: logger)
        defer { Task { await admin.close() } }
        let partitions = (0..<Int32(Self.partitions)).map { TopicPartition(topic: Self.requestsTopic, partition: $0) }
        var ends: [TopicPartition: Int64] = [:]
        for partition in partitions { ends[partition] = try await admin.watermarks(partition).high }
        let deadline = ContinuousClock.now + limit
        while true {
            let committed = try await admin.committedOffsets(group: group, partitions: partitions)
            if partitions.allSatisfy({ committed[$0]?.offset == ends[$0] }) { return }
            guard ContinuousClock.now < deadline else {
                throw BenchmarkFailure("timeout", "the group \(group) did not commit everything within \(limit)")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Lets everything go. What is left behind is nothing, unless it is asked for.
    func close() async {
        await events.close()
        await producer.close(timeout: .seconds(2))
        await broker.close()
        if setting.keepsFiles {
            Progress.say("files are kept in \(directory.path)")
        } else {
            try? FileManager.default.removeItem(at: directory)
        }
    }
}

/// Runs `body` on a stage of its own.
func onStage<Result: Sendable>(
    _ setting: BenchmarkSetting, broker: Stage.BrokerKind = .embedded, store: String? = nil,
    _ body: (Stage) async throws -> Result
) async throws -> Result {
    let stage = try await Stage(setting, broker: broker, store: store)
    do {
        let result = try await body(stage)
        await stage.close()
        return result
    } catch {
        await stage.close()
        throw error
    }
}

extension Stage {
    /// Runs `body` beside several workers, each of which has a share of the partitions.
    func withWorkers<Result: Sendable>(
        _ count: Int, hosts: Int, _ settings: [String: String] = [:], _ body: ([WorkerUnderTest]) async throws -> Result
    ) async throws -> Result {
        var workers: [WorkerUnderTest] = []
        var told = settings
        told["LOG_LEVEL"] = "info"
        do {
            for _ in 0..<count { workers.append(try startWorker(hosts: hosts, told)) }
            for worker in workers { try await untilAssigned(worker, upTo: .seconds(120)) }
            let result = try await body(workers)
            for worker in workers { await worker.stop() }
            return result
        } catch {
            for worker in workers { await worker.stop(within: 1) }
            throw error
        }
    }

    /// Runs `body` beside a worker.
    func withWorker<Result: Sendable>(
        hosts: Int, _ settings: [String: String] = [:], _ body: (WorkerUnderTest) async throws -> Result
    ) async throws -> Result {
        let worker = try startWorker(hosts: hosts, settings)
        do {
            let result = try await body(worker)
            await worker.stop()
            return result
        } catch {
            await worker.stop(within: 1)
            throw error
        }
    }
}
