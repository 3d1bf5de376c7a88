import ArgumentParser
import Kafka
import SessionStore
import TurnHost

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
                if apply {
                    try await SessionErasure.apply(to: id, in: store, now: wallClock)
                    try await tellTopics(erasure, settings)
                }
                print(Self.report(erasure, settings, isDone: apply))
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
                        ErasureRecord.make(session: id, topic: settings.eventsTopic, partition: $0)
                    })
                await producer.close()
                for result in results { _ = try result.get() }
            } catch {
                throw CommandFailure(
                    .unavailable,
                    "'\(id)' is erased from the store, but \(settings.eventsTopic) could not be told: a rebuild of the "
                        + "store would bring it back. Do it again. \(error)")
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
                "A store that is built again from the topics (carryon rebuild) leaves them out.",
                "A backup of the store, the free pages of its file and what an agent's tools were told are not reached from here.",
            ]
            if !isDone {
                lines += ["", "Nothing was changed. To do it: carryon sessions erase \(erasure.session) --apply"]
            }
            return lines.joined(separator: "\n")
        }
    }
}
