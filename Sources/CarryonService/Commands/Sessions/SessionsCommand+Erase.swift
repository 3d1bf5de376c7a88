import ArgumentParser
import Kafka
import SessionStore
import TurnHost

extension SessionsCommand {
    /// `carryon sessions erase`
    struct Erase: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "erase", abstract: "Closes a session and takes everything that was said out of the store.",
            discussion: """
                Also the branches that 'carryon replay again' has made of it. Says what it would do, and where its words \
                are besides; does it with --apply.
                """)

        @Argument(help: "The session's id.") var id: String
        @Flag(help: "Does it.") var apply = false

        func run() async throws {
            let settings = try Invocation.required().settings
            let store = try settings.openStore(mustExist: true)
            try await store.closing {
                var erasures = [SessionErasure(try await store.existing(id))]
                for branch in try await SessionErasure.branches(of: id, in: store) {
                    erasures.append(SessionErasure(try await store.existing(branch)))
                }
                if apply {
                    for erasure in erasures {
                        try await SessionErasure.apply(to: erasure.session, in: store, now: wallClock)
                        try await tellTopics(erasure, settings)
                    }
                }
                print(report(erasures, settings))
            }
        }

        /// So that a store that is built again from the topics does not bring back what was erased.
        private func tellTopics(_ erasure: SessionErasure, _ settings: Settings) async throws {
            guard !erasure.partitions.isEmpty else { return }
            do {
                let producer = try KafkaProducer(
                    try settings.kafkaProperties(), logger: settings.makeLogger("carryon.sessions"))
                let results = await producer.send(
                    erasure.partitions.map {
                        ErasureRecord.make(session: erasure.session, topic: settings.eventsTopic, partition: $0)
                    })
                await producer.close()
                for result in results { _ = try result.get() }
            } catch {
                throw CommandFailure(
                    .unavailable,
                    "'\(erasure.session)' is erased from the store, but \(settings.eventsTopic) could not be told: a rebuild of the "
                        + "store would bring it back. Do it again. \(error)")
            }
        }

        private func report(_ erasures: [SessionErasure], _ settings: Settings) -> String {
            var lines = erasures.map { erasure in
                let what = "\(erasure.messages) messages of \(erasure.turns) turns"
                return apply
                    ? "\(erasure.session) is closed; \(what) are erased."
                    : "\(erasure.session) would be closed; \(what) would be erased."
            }
            if erasures.contains(where: \.isRunning) {
                lines.append("A turn of it runs: its request is closed, and nothing of it is stored.")
            }
            let partitions = Set(erasures.flatMap(\.partitions)).sorted().map(String.init).joined(separator: ", ")
            let places = partitions.isEmpty ? "" : ", partition \(partitions)"
            lines += [
                "", "Its words are held besides, until the topics' retention ends:",
                "  \(settings.requestsTopic)\(places)", "  \(settings.eventsTopic)\(places)",
                "  \(settings.deadLettersTopic), if a request of it was set aside (carryon dead-letters list)",
            ]
            if let topic = settings.outOfMemoryTopic {
                lines.append("  \(topic), if a turn of it ran out of memory")
            }
            lines += [
                "A store that is built again from the topics (carryon rebuild) leaves them out.", "",
                "Not reached from here:",
                "  copies of another name (carryon sessions fork, import): erase each by its own; files of carryon sessions export",
                "  replays that it was part of: .carryon/replay-NAME and the topic \(settings.eventsTopic).replay-NAME",
                "  backups of the store, and the free pages of its file",
                "  what an agent's tools and models were told, and traces if they hold message texts",
            ]
            if !apply { lines += ["", "Nothing was changed. To do it: carryon sessions erase \(id) --apply"] }
            return lines.joined(separator: "\n")
        }
    }
}
