import ArgumentParser
import Logging
import ServiceLifecycle
import TurnHost
import UnixSignals

/// `carryon work`: one worker of the consumer group.
struct WorkCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "work",
        abstract: "Runs a worker: a consumer and its turn hosts. SIGTERM and Ctrl-C drain it.",
        discussion: "SIGUSR1 has it take in nothing new and finish what it has, SIGUSR2 go on.")

    @Option(help: .hidden) var parent: Int32?

    func run() async throws {
        if let parent, !HostBootstrap.dieWithParent(expectedParent: parent) {
            throw CommandFailure(.failed, "the process that started this worker is gone")
        }
        let invocation = try Invocation.required()
        let settings = invocation.settings
        let agent = try settings.readAgent()
        // Its turn hosts make their own; what they would stumble over is told here.
        _ = try settings.makeModel(agent)
        let logger = settings.makeLogger("carryon.worker")
        try await TopicCheck(settings: settings, properties: settings.kafkaProperties(), logger: logger).run()
        let telemetry = ProcessTelemetry.start(settings)
        let worker = try Worker(invocation, agent: agent, metrics: telemetry.registry, logger: logger)
        let admin = AdminServer(
            address: settings.adminAddress, mayMove: settings.sources["admin-address"] == nil, logger: logger,
            metrics: telemetry.registry, report: { worker.report },
            routes: AdminRoutes(
                control: worker, settings: LiveSettings(settings) { worker.adjust($0) },
                guarding: AdminGuard(key: settings.adminKey, address: settings.adminAddress)))
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                // The last one stops first: a worker that drains can still be asked how it is.
                services: [
                    .init(service: admin),
                    .init(service: worker, successTerminationBehavior: .gracefullyShutdownGroup),
                ],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await telemetry.exporting(logger: logger, samples: { worker.report.samples }) { try await group.run() }
    }
}
