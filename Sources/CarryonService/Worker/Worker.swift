import Consumer
import Foundation
import Kafka
import Logging
import ServiceLifecycle
import SessionStore
import TurnHost

/// One worker: the consumer in this process, and its turn hosts, as children or, with no hosts, in this process too.
struct Worker: Service {
    private let consumer: WorkerConsumer
    private let store: any SessionStore
    private let killSwitch: KillSwitch?

    /// Puts a worker together; connects to nothing yet, except for the store.
    /// - Parameter agent: the file of the agent that the settings name, if they name one.
    init(_ invocation: Invocation, agent: AgentFile?, logger: Logger) throws {
        let settings = invocation.settings
        let properties = try settings.kafkaProperties()
        let name = "\(ProcessInfo.processInfo.hostName)-\(ProcessInfo.processInfo.processIdentifier)"
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
        options.logIdentityOverride = settings.logIdentity

        store = try settings.openStore()
        let killSwitch = try settings.killAt.map(KillSwitch.arm)
        self.killSwitch = killSwitch
        if let killSwitch, killSwitch.killAt.process == .worker {
            options.onStep = { if $0 == .beforeCommit { killSwitch.reached(.beforeCommit) } }
        }
        let setup = HostSetup(settings: settings, agent: agent, killSwitch: killSwitch)
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
    }

    /// Works until the group asks for a graceful shutdown, drains, and returns.
    func run() async throws {
        defer { killSwitch?.disarm() }
        try await withGracefulShutdownHandler {
            try await consumer.run()
        } onGracefulShutdown: {
            consumer.beginDrain()
        }
        try await store.close()
    }
}
