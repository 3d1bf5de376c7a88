import ChatAgent
import Foundation
import Kafka
import LanguageModels
import Logging
import SessionStore
import TurnHost

extension Settings {
    /// The client properties, with the broker of a running `carryon dev` if none was named.
    /// - Throws: ``CommandFailure`` if there is no broker to talk to.
    func kafkaProperties() throws -> KafkaProperties {
        var properties = kafka
        if properties["bootstrap.servers"] == nil {
            guard let broker = DevelopmentBroker.running() else {
                throw CommandFailure(
                    .usage, "no broker is named: set CARRYON_KAFKA_BOOTSTRAP_SERVERS, or start 'carryon dev' here first"
                )
            }
            properties["bootstrap.servers"] = broker.bootstrapServers
        }
        return KafkaProperties(properties)
    }

    /// Opens the session store.
    /// - Parameter mustExist: refuses to make a new one, for commands that only look.
    func openStore(
        mustExist: Bool = false, onStep: (@Sendable (CommitStep) -> Void)? = nil
    ) throws -> any SessionStore {
        switch store {
        case .sqlite(let path):
            guard !mustExist || FileManager.default.fileExists(atPath: path) else {
                throw CommandFailure(.unavailable, "there is no session store at \(path)")
            }
            return try SQLiteSessionStore(path: path, logger: makeLogger("carryon.store"), onStep: onStep)
        case .postgres(let url):
            return try PostgresSessionStore(
                url: url, connections: storeConnections, mustExist: mustExist, logger: makeLogger("carryon.store"),
                onStep: onStep)
        }
    }

    /// Reads the file of the agent that the settings name.
    ///
    /// - Parameter readFile: the content of the file at a path; by default, of the disk's.
    /// - Returns: `nil` if they name none.
    /// - Throws: ``AgentFileError`` for what is refused of it.
    func readAgent(
        _ readFile: @escaping (String) throws -> String = { try String(contentsOfFile: $0, encoding: .utf8) }
    ) throws(AgentFileError) -> AgentFile? {
        guard let agent else { return nil }
        return try AgentFile.read(
            path: agent, environment: ProcessInfo.processInfo.environment, readFile: readFile)
    }

    /// What an agent is made with.
    /// - Throws: ``CommandFailure`` if the model's provider cannot be asked.
    func agentContext(_ file: AgentFile?, logger: Logger) throws -> AgentContext {
        let model = try makeModel(file)
        return AgentContext(
            model: model, configuredAgent: file.map { ConfiguredAgent($0, model: model) }, logger: logger)
    }

    /// What a turn host is told.
    func hostOptions(hostID: String) -> HostOptions {
        var options = HostOptions(
            hostID: hostID, eventsTopic: eventsTopic, deadLettersTopic: deadLettersTopic, groupID: groupID)
        options.region = region
        options.concurrency = concurrency
        options.flushWindow = flushWindow
        options.turnTimeout = turnTimeout > .zero ? turnTimeout : nil
        options.sessionCacheBytes = sessionCacheBytes
        options.crashAttempts = crashAttempts
        options.outOfMemoryAttempts = outOfMemoryAttempts
        options.outOfMemoryTopic = outOfMemoryTopic
        options.recoveryPolicy = recoveryChoice.policy
        return options
    }
}

extension RecoveryChoice {
    fileprivate var policy: RecoveryPolicy {
        switch self {
        case .continueAnswer: .continue
        case .settle: .settle
        }
    }
}

/// The time of day, in milliseconds since 1970.
@Sendable func wallClock() -> Int64 {
    Int64(Date().timeIntervalSince1970 * 1000)
}
