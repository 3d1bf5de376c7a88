import ArgumentParser
import SessionStore

extension SessionsCommand {
    /// `carryon sessions erase`
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "erase", abstract: "Closes a session and takes everything that was said out of the store.",
            discussion: "Says what it would do, and what the topics hold besides; does it with --apply.")

        @Argument(help: "The session's id.") var id: String
        @Flag(help: "Does it.") var apply = false

        func run() async throws {
            let settings = try Invocation.required().settings
            let store = try settings.openStore(mustExist: true)
            try await store.closing {
                let erasure = SessionErasure(try await store.existing(id))
                if apply { try await SessionErasure.apply(to: id, in: store, now: wallClock) }
                print(Self.report(erasure, settings, isDone: apply))
            }
        }

        private static func report(_ erasure: SessionErasure, _ settings: Settings, isDone: Bool) -> String {
            let partitions = erasure.partitions.map(String.init).joined(separator: ", ")
            let places = partitions.isEmpty ? "" : ", partition \(partitions)"
            var lines = [
                isDone
                    ? "\(erasure.session) is closed; \(erasure.messages) messages of \(erasure.turns) turns are erased."
                    : "\(erasure.session) would be closed; \(erasure.messages) messages of \(erasure.turns) turns would be erased."
            ]
            if erasure.isRunning {
                lines.append("A turn of it runs: its request is closed, and nothing of it is stored.")
            }
            lines += [
                "", "Its words are held besides, until the topics' retention ends:",
                "  \(settings.requestsTopic)\(places)", "  \(settings.eventsTopic)\(places)",
                "  \(settings.deadLettersTopic), if a request of it was set aside (carryon dead-letters list)",
                "A backup of the store, the free pages of its file and what an agent's tools were told are not reached from here.",
            ]
            if !isDone {
                lines += ["", "Nothing was changed. To do it: carryon sessions erase \(erasure.session) --apply"]
            }
            return lines.joined(separator: "\n")
        }
    }
}
