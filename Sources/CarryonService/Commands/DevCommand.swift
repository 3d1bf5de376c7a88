import ArgumentParser
import Foundation
import Gateway
import Kafka
import Logging
import ServiceLifecycle
import SessionStore
import UnixSignals

/// `carryon dev`: everything on one machine, with nothing to install.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Runs a broker, a worker and its turn hosts on this machine, to try things out.")

    @Flag(help: "Plays a conversation in which the worker is killed in mid-answer; exit status 0 if nothing was lost.")
    var demo = false

    func run() async throws {
        let invocation = try Invocation.required()
        guard invocation.settings.kafka["bootstrap.servers"] == nil else {
            throw CommandFailure(
                .usage, "'dev' brings its own broker, but CARRYON_KAFKA_BOOTSTRAP_SERVERS is set; use 'work'")
        }
        if let other = DevelopmentBroker.running() {
            throw CommandFailure(
                .usage, "'carryon dev' runs in this directory already (process \(other.processID))")
        }
        // The worker is another process; what is wrong with its agent is told here.
        _ = try invocation.settings.makeModel(invocation.settings.readAgent())
        var logger = invocation.settings.makeLogger("carryon.dev")
        if demo {
            logger.logLevel = max(logger.logLevel, .error)
            try await Demonstration(invocation: invocation, logger: logger).run()
            return
        }
        let service = try DevelopmentService.start(invocation, logger: logger)
        await service.waitForTurnHosts()
        do {
            try await serve(service, logger)
        } catch {
            await service.stop()
            throw error
        }
        await service.stop()
    }

    /// Serves HTTP until somebody wants to stop.
    private func serve(_ service: DevelopmentService, _ logger: Logger) async throws {
        let store = try service.settings.openStore()
        var options = try service.settings.gatewayOptions(logger: logger)
        options.servesPage = true
        let telemetry = ProcessTelemetry.start(service.settings)
        let gateway = try Gateway(
            options: options, store: store, kafka: service.properties, operations: service.operations(logger: logger),
            metrics: telemetry.registry, logger: logger
        ) { port in
            StandardOutput.line(Self.welcome(service, port: port))
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [
                    .init(service: gateway, failureTerminationBehavior: .gracefullyShutdownGroup)
                ],
                // Both come to this process: the terminal's to the whole group, a supervisor's to it alone.
                gracefulShutdownSignals: [.sigint, .sigterm], logger: logger))
        try await telemetry.exporting(logger: logger) { try await GatewayCommand.run(group, at: options) }
        StandardOutput.line("draining ...")
        try await store.close()
    }

    private static func welcome(_ service: DevelopmentService, port: Int) -> String {
        let hosts = service.turnHosts().map { "\($0)" }.joined(separator: " ")
        let worker = service.worker.processID ?? 0
        return """
            Open http://\(service.settings.gatewayAddress.host):\(port)/ in a browser.
            A broker listens on \(service.broker.bootstrapServers); sessions are kept in \(DevelopmentBroker.directory).
            In a second terminal, in this directory:

              carryon send alice "Hello"            a user's message in the session 'alice'
              carryon tail alice                    the answer
              carryon send alice --json <<< '{"type":"message","text":"#script\\ntokens 100 100ms"}'
              carryon tail alice --follow           an answer that takes ten seconds; meanwhile, in a third terminal:
              kill -9 \(hosts.padding(toLength: 30, withPad: " ", startingAt: 0))the turn hosts: the answer goes on where it stopped
              kill -9 \("\(worker)".padding(toLength: 30, withPad: " ", startingAt: 0))the whole worker: it does so after the session timeout
              carryon sessions show alice           the transcript

            Ctrl-C drains and stops everything.
            """
    }
}
