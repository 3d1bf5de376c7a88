import ArgumentParser
import Kafka

extension DeadLettersCommand {
    /// `carryon dead-letters discard`
    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "discard", abstract: "Notes that letters are not wanted any more. Nothing is deleted.",
            discussion: "Without --apply it is only said what would be done.")

        @OptionGroup var selection: LetterSelectionOptions
        @Flag(help: "Does it.") var apply = false
        @Option(help: "Why; it is noted beside each letter.") var reason: String
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let settings = try Invocation.required().settings
            let logger = settings.makeLogger("carryon.letters")
            let reader = try await LetterReader(settings: settings, logger: logger)
            let (selected, missing) = try selection.selection(now: wallClock()).select(from: try await reader.entries())
            let letters = selected.filter(\.isOpen).map(\.letter)

            var printer = OutcomePrinter(verb: "discarded", isDone: apply, isJSON: json)
            if apply {
                let producer = try KafkaProducer(settings.letterProperties(), logger: logger)
                let redriver = Redriver(reader: reader, producer: producer, now: wallClock)
                do {
                    try await redriver.discard(letters, reason: reason) { printer.tell($0, $1, wanted: .discarded) }
                } catch {
                    await producer.close(timeout: .zero)
                    throw error
                }
                await producer.close()
            } else {
                for letter in letters { printer.announce(letter) }
            }
            await reader.close()
            for entry in selected {
                guard let resolution = entry.resolution else { continue }
                printer.tell(entry.letter, .refused(.resolved(resolution)), wanted: .discarded)
            }
            for id in missing { printer.tell(missing: id) }
            try printer.finish()
        }
    }
}
