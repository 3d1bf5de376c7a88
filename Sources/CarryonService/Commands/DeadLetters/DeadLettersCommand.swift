import ArgumentParser

/// `carryon dead-letters`: the requests that were set aside, and what is to be done about them.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Lists the requests that were set aside, shows them, sends them again or discards them.",
        discussion: """
            A letter's id is PARTITION-OFFSET of the dead letters topic. A TIME is RFC 3339 \
            (2026-01-31T09:30:00Z), or how long ago (90m, 2h).
            """,
        subcommands: [List.self, Show.self, Redrive.self, Discard.self], defaultSubcommand: List.self)
}
