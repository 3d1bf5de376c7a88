import Consumer
import Conversation
import Foundation
import Kafka
import Logging
import ServiceLifecycle
import SessionStore
import Telemetry
import TurnHost
import UnixSignals

/// One worker: the consumer in this process, and its turn hosts, as children or, with no hosts, in this process too.
struct Worker: Service {
    let consumer: WorkerConsumer
    private let identity: JSONObject
    let store: any SessionStore
    private let releases: SessionReleases
    private let faults: [StepFault]

    /// This process among all workers.
    static var name: String { "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)" }

    /// Puts a worker together; connects to nothing yet, except for the store.
    /// - Parameters:
    ///   - agent: the file of the agent that the settings name, if they name one.
    ///   - metrics: takes what the turn hosts have counted.
    init(_ invocation: Invocation, agent: AgentFile?, metrics: MetricsRegistry, logger: Logger) throws {
        let settings = invocation.settings
        let properties = try settings.kafkaProperties()
        let name = Self.name
        var options = ConsumerOptions(
            kafka: properties, groupID: settings.groupID, requestsTopic: settings.requestsTopic,
            deadLettersTopic: settings.deadLettersTopic, eventsTopic: settings.eventsTopic, hosts: settings.hosts,
            hostIDPrefix: name)
        options.maxInFlight = settings.maxInFlight
        options.maxInFlightPerSession = settings.maxInFlightPerSession
        options.maxInFlightBytes = settings.maxInFlightBytes
        options.maxUncommittedSpan = Int64(settings.maxUncommittedSpan)
        options.maxRequestBytes = settings.maxRequestBytes
        options.revokeTimeout = settings.revokeTimeout
        options.drainTimeout = settings.drainTimeout
        options.hostTimeout = settings.hostTimeout
        options.headAgeLimit = settings.headAgeLimit
        if settings.turnTimeout > .zero {
            // What its timeout has not ended by then is not going to end.
            options.health.turn = settings.turnTimeout + .seconds(60)
        }
        identity = [
            "worker": .string(name), "version": .string(Carryon.version), "group": .string(settings.groupID),
            "region": settings.region.map(JSON.string) ?? .null,
        ]
        options.onCounted = { metrics.merge($0) }
        options.logIdentityOverride = settings.logIdentity

        store = try settings.openStore()
        let faults = try [
            settings.killAt.map { try StepFault.arm(.kill, $0) },
            settings.stallAt.map { try StepFault.arm(.stall, $0) },
        ].compactMap(\.self)
        self.faults = faults
        let ownFaults = faults.filter { $0.place.process == .worker }
        if !ownFaults.isEmpty {
            options.onStep = { step in
                if step == .beforeCommit { for fault in ownFaults { fault.reached(.beforeCommit) } }
            }
        }
        let setup = HostSetup(settings: settings, agent: agent, faults: faults)
        options.hostSettings = try setup.encoded()
        let factory: HostFactory
        if settings.hosts == 0 {
            // Made here, so that what can't be made ends the start and not a thread.
            let reports = ReportRelay()
            let host = try setup.makeHost(hostID: "\(name)-0", invocation.makeAgent) { reports.pass($0) }
            factory = .inProcess { onReport in
                reports.connect(onReport)
                return host
            }
        } else {
            factory = .processes(
                HostProcess.Options(
                    executable: "/proc/self/exe", name: CommandLine.arguments.first,
                    arguments: [TurnHostProcess.command],
                    environment: ProcessInfo.processInfo.environment, memoryLimit: settings.hostMemoryLimit))
        }
        consumer = WorkerConsumer(options: options, store: store, makeHost: factory, logger: logger)
        releases = SessionReleases(settings: settings, store: store, consumer: consumer, logger: logger)
    }

    /// How the worker is, at this moment.
    var report: WorkerReport {
        WorkerReport(health: consumer.health, status: consumer.status, worker: identity)
    }

    /// Takes nothing new at SIGUSR1, and goes on at SIGUSR2, for as long as the task lives.
    func heedQuietSignals() async {
        for await signal in await UnixSignalsSequence(trapping: .sigusr1, .sigusr2) {
            if signal == .sigusr1 { consumer.beginQuiet() } else { consumer.endQuiet() }
        }
    }

    /// Works until the group asks for a graceful shutdown, drains, and returns.
    func run() async throws {
        defer { for fault in faults { fault.disarm() } }
        let quiet = Task { await heedQuietSignals() }
        let releasing = Task { await releases.run() }
        defer {
            quiet.cancel()
            releasing.cancel()
        }
        try await withGracefulShutdownHandler {
            try await consumer.run()
        } onGracefulShutdown: {
            consumer.beginDrain()
        }
        try await store.close()
    }
}
