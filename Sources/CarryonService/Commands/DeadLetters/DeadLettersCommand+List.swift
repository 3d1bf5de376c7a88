import ArgumentParser
import Conversation

extension DeadLettersCommand {
    /// `carryon dead-letters list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists the letters that nothing was done about yet, or --all.")

        @OptionGroup var filter: LetterFilterOptions
        @Flag(help: "Also those that were sent again or discarded.") var all = false
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let settings = try Invocation.required().settings
            let reader = try await LetterReader(settings: settings, logger: settings.makeLogger("carryon.letters"))
            let entries = try await reader.entries()
            await reader.close()
            var filter = try filter.filter(now: wallClock())
            filter.includesResolved = all
            let selected = LetterSelection.matching(filter).select(from: entries).selected
            if json {
                for entry in selected { StandardOutput.line(entry.json.serializedString) }
                return
            }
            let rows = selected.map { entry in
                let letter = entry.letter
                return [
                    letter.id.description, letter.shownKey, letter.cause, letter.code ?? "",
                    letter.attempts.map { "\($0)" } ?? "-",
                    "\(letter.redrives)", Timestamp(milliseconds: letter.writtenAt).rfc3339, entry.state,
                ]
            }
            print(TextTable(["ID", "SESSION", "CAUSE", "CODE", "ATTEMPTS", "REDRIVES", "WHEN", "STATE"], rows))
        }
    }
}
