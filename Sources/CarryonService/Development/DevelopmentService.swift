import Foundation
import Glibc
import Kafka
import Logging

/// Everything that `carryon dev` runs: a broker in this process, a worker beside it.
struct DevelopmentService: Sendable {
    let settings: Settings
    let broker: EmbeddedBroker
    let announcement: DevelopmentBroker
    let worker: WorkerProcess
    /// Where the worker can be asked how it is.
    let workerAddress: ListenAddress

    /// Starts everything.
    /// - Parameter store: where sessions are kept, if not where the settings say.
    static func start(_ invocation: Invocation, store: String? = nil, logger: Logger) throws -> DevelopmentService {
        let settings = invocation.settings
        let broker = try EmbeddedBroker(
            topics: [
                settings.requestsTopic: settings.partitions, settings.eventsTopic: settings.partitions,
                settings.deadLettersTopic: 1,
            ], logger: logger)
        let announcement = DevelopmentBroker(bootstrapServers: broker.bootstrapServers, processID: getpid())
        try announcement.announce()
        var environment = ProcessInfo.processInfo.environment
        environment["CARRYON_KAFKA_BOOTSTRAP_SERVERS"] = broker.bootstrapServers
        // The broker starts empty each time, whatever it calls itself: its logs are new ones.
        environment["CARRYON_LOG_IDENTITY"] = UUID().uuidString
        // The embedded broker sleeps a fetch's whole wait when there is nothing to fetch.
        environment["CARRYON_KAFKA_FETCH_WAIT_MAX_MS"] = environment["CARRYON_KAFKA_FETCH_WAIT_MAX_MS"] ?? "20"
        // Whoever kills the worker to see what becomes of the answer shall not wait for 45 seconds.
        if settings.kafka["session.timeout.ms"] == nil { environment["CARRYON_KAFKA_SESSION_TIMEOUT_MS"] = "6000" }
        var workerAddress = settings.adminAddress
        if settings.sources["admin-address"] == nil {
            workerAddress = workerAddress.unlessTaken
            environment["CARRYON_ADMIN_ADDRESS"] = "\(workerAddress)"
        }
        if let store { environment["CARRYON_STORE"] = "sqlite:\(store)" }
        let worker = WorkerProcess(
            arguments: ["work", "--parent", "\(getpid())"] + invocation.settingFlags, environment: environment
        ) { ending in
            logger.warning("The worker has died and is started again.", metadata: ["ending": "\(ending)"])
        }
        worker.start()
        return DevelopmentService(
            settings: settings, broker: broker, announcement: announcement, worker: worker,
            workerAddress: workerAddress)
    }

    /// Has the worker drain, and stops the broker.
    func stop() async {
        await worker.stop()
        announcement.withdraw()
        await broker.close()
    }

    /// The client properties of a producer or reader of this broker.
    var properties: KafkaProperties {
        KafkaProperties(settings.kafka).merging([
            "bootstrap.servers": broker.bootstrapServers, "fetch.wait.max.ms": "20",
        ])
    }

    /// Returns when the worker has started its turn hosts, or has had time enough to.
    func waitForTurnHosts() async {
        let deadline = ContinuousClock.now + .seconds(5)
        while turnHosts().count <= settings.hosts, ContinuousClock.now < deadline {
            // Woken early means that somebody wants to stop, which the caller finds out itself.
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The processes that the worker has started: its turn hosts, oldest first.
    func turnHosts() -> [Int32] {
        guard let worker = worker.processID else { return [] }
        let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(worker)/task")) ?? []
        return tasks.flatMap { task -> [Int32] in
            let children = try? String(contentsOfFile: "/proc/\(worker)/task/\(task)/children", encoding: .utf8)
            return (children ?? "").split(separator: " ").compactMap { Int32($0) }
        }
        .sorted()
    }
}
