import ArgumentParser
import Foundation
import Kafka
import Logging
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
        StandardOutput.line(Self.welcome(service))
        // Both come to this process: the terminal's to the whole group, a supervisor's to it alone.
        for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { break }
        StandardOutput.line("draining ...")
        await service.stop()
    }

    private static func welcome(_ service: DevelopmentService) -> String {
        let hosts = service.turnHosts().map { "\($0)" }.joined(separator: " ")
        let worker = service.worker.processID ?? 0
        return """
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
