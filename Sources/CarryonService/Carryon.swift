import ArgumentParser
public import ChatAgent
import Foundation
public import LanguageModels
public import Logging

/// The service around an agent: the command line that serves as consumer, as turn host, and as every tool beside them.
///
/// A service of your own is your agent plus one line:
///
/// ```swift
/// await Carryon.main { context in MyAgent(model: context.model) }
/// ```
public enum Carryon {
    /// This version, as `carryon --version` prints it.
    public static let version = "0.1.0"

    /// Runs the command that the process's arguments name, with `makeAgent`'s agent in its turn hosts, and ends the
    /// process.
    ///
    /// Exit status: 0 done, 1 failed, 2 wrong usage or configuration, 69 broker or store away.
    /// - Parameter makeAgent: called once in each turn host's process.
    public static func main(
        _ makeAgent: @escaping @Sendable (AgentContext) throws -> any ChatAgent
    ) async -> Never {
        let status = await run(
            Array(CommandLine.arguments.dropFirst()), environment: ProcessInfo.processInfo.environment, makeAgent)
        exit(status)
    }

    private static func run(
        _ given: [String], environment: [String: String],
        _ makeAgent: @escaping @Sendable (AgentContext) throws -> any ChatAgent
    ) async -> Int32 {
        // A turn host is told its settings by its consumer, so what is wrong with the environment is not its business.
        if given == [TurnHostProcess.command] { await TurnHostProcess.run(makeAgent) }
        do {
            var arguments = given
            let settings = try Settings.resolve(
                arguments: &arguments, environment: environment,
                readFile: { try String(contentsOfFile: $0, encoding: .utf8) })
            var command = try RootCommand.parseAsRoot(arguments)
            let invocation = Invocation(
                settings: settings, settingFlags: Self.removed(from: given, leaving: arguments), makeAgent: makeAgent)
            try await Invocation.$current.withValue(invocation) {
                if var command = command as? any AsyncParsableCommand {
                    try await command.run()
                } else {
                    try command.run()
                }
            }
            return 0
        } catch {
            return report(error)
        }
    }

    /// The arguments that were settings: `given` without `rest`, which is in the same order.
    static func removed(from given: [String], leaving rest: [String]) -> [String] {
        var rest = rest[...]
        return given.filter { argument in
            guard argument == rest.first else { return true }
            rest.removeFirst()
            return false
        }
    }

    private static func report(_ error: any Error) -> Int32 {
        if let failure = CommandFailure(error) {
            FileHandle.standardError.write(Data("carryon: \(failure.message)\n".utf8))
            return failure.status
        }
        let code = RootCommand.exitCode(for: error)
        let message = RootCommand.fullMessage(for: error)
        if code.isSuccess {
            print(message)
            return 0
        }
        FileHandle.standardError.write(Data("\(message)\n".utf8))
        return CommandFailure.usage
    }
}

/// What an agent is made with.
public struct AgentContext: Sendable {
    /// The model that the settings name.
    public let model: any LanguageModel
    /// The agent of the file that `CARRYON_AGENT` names; `nil` if it names none.
    public let configuredAgent: (any ChatAgent)?
    /// Where to log; carries the host's name.
    public let logger: Logger
}
