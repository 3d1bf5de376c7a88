import ArgumentParser

/// `carryon admin`: changes what running workers do, without a restart.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin",
        abstract: "Shows and changes settings of running workers, pauses partitions and parks sessions.",
        discussion: """
            Each worker is asked at its admin address: those of --worker, or else of the setting 'workers', or else the \
            one at 'admin-address'. Changes take the setting 'admin-key' where it is set at the worker. Settings and \
            pauses are a worker's own and last as long as it does; a parked session is parked at all workers until it \
            is released.
            """,
        subcommands: [
            ShowSettings.self, Set.self, Pause.self, Resume.self, Park.self, Release.self, Parked.self,
        ],
        defaultSubcommand: ShowSettings.self)
}
