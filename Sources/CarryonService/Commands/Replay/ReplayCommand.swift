import ArgumentParser

/// `carryon replay`: recorded conversations, run again.
struct ReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Runs recorded requests again: to compare answers, to settle what never was, or to answer anew.",
        subcommands: [Shadow.self, Resume.self, Again.self], defaultSubcommand: Shadow.self)
}
