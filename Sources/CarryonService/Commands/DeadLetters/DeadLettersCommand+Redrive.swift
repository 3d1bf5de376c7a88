import ArgumentParser
import Kafka
import Logging
import SessionStore

extension DeadLettersCommand {
    /// `carryon dead-letters redrive`
    struct Redrive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "redrive",
            abstract: "Sends letters' requests to where they were sent at first, each once however often it is done.",
            discussion: """
                Without --apply it is only said what would be done. A session's requests are sent in their order. One \
                whose session has gone on since is left out, unless --behind-newer; one whose session is closed is \
                left out. Undecodable ones would come back: they are sent by id, or with --cause undecodable.
                """)

        @OptionGroup var selection: LetterSelectionOptions
        @Flag(help: "Does it.") var apply = false
        @Flag(help: "Also those whose session has gone on since; they are answered as its latest.")
        var behindNewer = false
        @Flag(help: "One JSON object a line.") var json = false

        func run() async throws {
            let settings = try Invocation.required().settings
            let logger = settings.makeLogger("carryon.letters")
            let store = try settings.openStore(mustExist: true)
            let reader = try await LetterReader(settings: settings, logger: logger)
            let entries = try await reader.entries()
            let selection = try selection.selection(now: wallClock())
            let (selected, missing) = selection.select(from: entries)
            let rules = RedriveRules(
                includesUndecodable: selection.namesUndecodable, isBehindNewerAllowed: behindNewer,
                partitions: try await settings.partitions(ofDestinations: selected, logger: logger),
                sentAgain: SessionProgress.SentAgain(entries))
            let refusals = try await rules.refusals(of: selected, store)
            try await store.close()
            let letters = RedriveRules.order(selected.map(\.letter).filter { refusals[$0.id] == nil })

            var printer = OutcomePrinter(verb: "sent", isDone: apply, isJSON: json)
            if apply {
                let producer = try KafkaProducer(settings.letterProperties(), logger: logger)
                let redriver = Redriver(reader: reader, producer: producer, now: wallClock)
                do {
                    try await redriver.redrive(letters) { printer.tell($0, $1, wanted: .redriven) }
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
                if let refusal = refusals[entry.letter.id] {
                    printer.tell(entry.letter, .refused(refusal), wanted: .redriven)
                }
            }
            for id in missing { printer.tell(missing: id) }
            try printer.finish()
        }
    }
}

extension RedriveRules {
    /// Why letters are left out, for those that are. Sessions are looked at one after the other, each once.
    func refusals(
        of selected: [LetterLedger.Entry], _ store: any SessionStore
    ) async throws -> [LetterID: RedriveRefusal] {
        var refusals: [LetterID: RedriveRefusal] = [:]
        for (session, entries) in Dictionary(grouping: selected, by: { $0.letter.session }) {
            var progress: SessionProgress?
            let isOpen = entries.contains { $0.isOpen }
            if let session, isOpen {
                let since = entries.map(\.letter.since).min() ?? 0
                progress = try await SessionProgress(of: session, since: since, in: store)
            }
            for entry in entries { refusals[entry.letter.id] = refusal(of: entry, progress) }
        }
        return refusals
    }
}

extension Settings {
    /// How many partitions the topics have that these letters are sent to.
    func partitions(
        ofDestinations entries: [LetterLedger.Entry], logger: Logger
    ) async throws -> [String: Int] {
        let topics = Set(entries.compactMap(\.letter.destination?.topic))
        let admin = try KafkaAdmin(letterProperties(), logger: logger)
        let found: Result<[String: Int], KafkaError>
        do {
            found = .success(try await admin.topics(Array(topics)))
        } catch {
            found = .failure(error)
        }
        await admin.close()
        return try found.get()
    }
}
