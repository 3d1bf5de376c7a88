import ArgumentParser
import Conversation
import SessionStore

extension DeadLettersCommand {
    /// `carryon dead-letters show`
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show",
            abstract: "Shows everything about a letter: why it is one, its record, and its session since.")

        @Argument(help: "The letter's id.") var id: String
        @Flag(help: "One JSON object instead of text.") var json = false

        func validate() throws {
            guard LetterID(id) != nil else {
                throw ValidationError("'\(id)' is no letter's id: that is PARTITION-OFFSET, as the list shows it")
            }
        }

        func run() async throws {
            let settings = try Invocation.required().settings
            let store = try settings.openStore(mustExist: true)
            let reader = try await LetterReader(settings: settings, logger: settings.makeLogger("carryon.letters"))
            let entries = try await reader.entries()
            let wanted = LetterSelection.these([LetterID(id)].compactMap(\.self))
            guard let entry = wanted.select(from: entries).selected.first,
                let record = try await reader.records(of: [entry.letter.id])[entry.letter.id]
            else { throw CommandFailure(.failed, "there is no letter \(id) on \(reader.topic)") }
            await reader.close()
            var progress: SessionProgress?
            if let session = entry.letter.session {
                progress = try await SessionProgress(of: session, since: entry.letter.since, in: store)
            }
            try await store.close()
            let view = LetterView(
                entry: entry, record: record, progress: progress, sentAgain: SessionProgress.SentAgain(entries))
            print(json ? view.json.serializedString : view.text)
        }
    }
}

extension Letter {
    /// Turns begun before that time were none for requests behind this one; milliseconds since 1970.
    var since: Int64 { redrives == 0 ? max(0, sentAt) : 0 }
}
