import ChatAgent
import Conversation
import Foundation
import Glibc
import Logging
import SessionStore
import Synchronization
import Telemetry
import TurnHost

/// The turn host's side of a worker: the same executable, started by its consumer with a socket to it.
enum TurnHostProcess {
    /// The argument that makes a process a turn host.
    static let command = "turn-host"

    /// Serves the consumer until it is gone.
    static func run(_ makeAgent: @escaping @Sendable (AgentContext) throws -> any ChatAgent) async -> Never {
        let parent = ProcessInfo.processInfo.environment[HostBootstrap.parentVariable].flatMap(Int32.init)
        guard let parent, HostBootstrap.dieWithParent(expectedParent: parent) else {
            FileHandle.standardError.write(Data("carryon: a turn host is started by its worker only\n".utf8))
            exit(CommandFailure.usage)
        }
        HostBootstrap.nameProcess("carryon-host")
        HostBootstrap.keepBorderPrivate()
        // Ctrl-C reaches the whole process group; the consumer drains its hosts in order.
        signal(SIGINT, SIG_IGN)
        let port = HostPort(descriptor: HostBootstrap.borderDescriptor)
        let host = Mutex<TurnHost?>(nil)
        port.start(
            onCommand: { command in
                if case .configure(let hostID, let bytes) = command {
                    let made = make(hostID, bytes, makeAgent, port)
                    host.withLock { $0 = made }
                }
                host.withLock { $0 }?.send(command)
            },
            onEnd: { _ in _exit(0) })
        while true { try? await Task.sleep(for: .seconds(3600)) }
    }

    /// What cannot be made is said, and ends the host; its consumer sees how.
    private static func make(
        _ hostID: String, _ bytes: [UInt8], _ makeAgent: (AgentContext) throws -> any ChatAgent, _ port: HostPort
    ) -> TurnHost {
        do {
            let setup = try HostSetup(decoding: bytes)
            let telemetry = ProcessTelemetry.start(setup.settings, instance: hostID)
            let logger = setup.settings.makeLogger("carryon.host")
            Task { await telemetry.export(exportsMetrics: false, logger: logger) }
            return try setup.makeHost(
                hostID: hostID, makeAgent, flushReports: port.flush, takeCounts: telemetry.registry.takeNews
            ) { port.send($0) }
        } catch {
            FileHandle.standardError.write(Data("carryon: turn host \(hostID) can't start: \(error)\n".utf8))
            _exit(CommandFailure.usage)
        }
    }
}

/// What a consumer tells its turn hosts at their start.
struct HostSetup: Sendable {
    let settings: Settings
    let agent: AgentFile?
    let faults: [StepFault]

    init(settings: Settings, agent: AgentFile?, faults: [StepFault]) {
        self.settings = settings
        self.agent = agent
        self.faults = faults
    }

    init(decoding bytes: [UInt8]) throws {
        let json = try JSON(parsing: bytes).objectValue ?? [:]
        let settings = try Settings(decoding: (json["settings"] ?? .null).serialized())
        self.settings = settings
        // The files as the consumer read them: a host that is started later must not serve another agent.
        agent = try settings.readAgent { path in
            guard let content = json["agentFiles"]?[path]?.stringValue else {
                throw CocoaError(.fileNoSuchFile)
            }
            return content
        }
        faults = (json["faults"]?.arrayValue ?? []).compactMap(StepFault.init)
    }

    func encoded() throws -> [UInt8] {
        var object: JSONObject = ["settings": try JSON(parsing: settings.encoded())]
        if let agent {
            object["agentFiles"] = .object(JSONObject(agent.contents.map { ($0, .string($1)) }))
        }
        if !faults.isEmpty { object["faults"] = .array(faults.map(\.json)) }
        return JSON.object(object).serialized()
    }

    /// Makes the host, in whichever process this is.
    func makeHost(
        hostID: String, _ makeAgent: (AgentContext) throws -> any ChatAgent,
        flushReports: @escaping @Sendable () async -> Void = {}, takeCounts: (@Sendable () -> [UInt8]?)? = nil,
        onReport: @escaping @Sendable (HostReport) -> Void
    ) throws -> TurnHost {
        var logger = settings.makeLogger("carryon.host")
        logger[metadataKey: "host"] = "\(hostID)"
        let faults = faults
        let reached: @Sendable (TurnStep) -> Void = { step in for fault in faults { fault.reached(step) } }
        let store = try settings.openStore { step in
            if case .inTransaction(sessions: let sessions) = step, !sessions.isEmpty { reached(.inSettle) }
        }
        let log = try KafkaEventLog(
            topic: settings.eventsTopic, properties: try settings.kafkaProperties(), logger: logger)
        Task { await log.warmUp() }
        let agent = try makeAgent(try settings.agentContext(agent, logger: logger))
        return TurnHost(
            agent: agent, options: settings.hostOptions(hostID: hostID), store: store, log: log, logger: logger,
            now: wallClock, onStep: reached, flushReports: flushReports, takeCounts: takeCounts,
            onReport: onReport)
    }
}
