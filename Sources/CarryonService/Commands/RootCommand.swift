import ArgumentParser

/// The command line's root.
struct RootCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carryon", abstract: "Carries chat conversations on, from Kafka and back.",
        discussion: Settings.helpText, version: Carryon.version,
        subcommands: [
            DevCommand.self, WorkCommand.self, GatewayCommand.self, SendCommand.self, TailCommand.self,
            SessionsCommand.self,
            DeadLettersCommand.self, ReplayCommand.self, RebuildCommand.self, VerifyCommand.self, AdminCommand.self,
            ConfigCommand.self,
        ])
}
