import ArgumentParser
import Kafka
import SessionStore

extension ReplayCommand {
    /// `carryon replay again`
    struct Again: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "again",
            abstract:
                "Has a session's turns truly answered anew from one of them on; the old history is kept as a branch.",
            discussion: """
                Readers see the new answers as new turns, and tools are called for real. Without --confirm SESSION it is \
                only said what would be done. Answers to tool calls, stops and closes are not sent again.
                """)

        @Argument(help: "The session's id.") var session: String
        @Option(name: .customLong("from-turn"), help: "The first turn that is answered anew; the first there is is 0.")
        var turn: Int
        @Option(help: "The session's id once more: does it.") var confirm: String?

        func validate() throws {
            if let confirm, confirm != session {
                throw ValidationError("--confirm names '\(confirm)', and the session is '\(session)'")
            }
        }

        func run() async throws {
            let settings = try Invocation.required().settings
            let logger = settings.makeLogger("carryon.replay")
            let properties = try settings.kafkaProperties()
            let store = try settings.openStore(mustExist: true)
            let reader = try KafkaReader(properties, logger: logger)
            try await store.closing {
                let now = wallClock()
                let again = try await TurnsAgain(
                    try await store.existing(session), turn: turn, settings: settings, store: store, reader: reader,
                    now: now)
                tell(again)
                guard confirm != nil else {
                    return print("\nNothing was changed. To do it: --confirm \(session)")
                }
                let producer = try KafkaProducer(properties, logger: logger)
                do {
                    try await again.apply(store, producer, eventsTopic: settings.eventsTopic, now: now)
                } catch {
                    await producer.close(timeout: .zero)
                    throw error
                }
                await producer.close()
                print("\nDone: follow the new answers with 'carryon tail \(session) --follow'.")
            }
            await reader.close()
        }

        private func tell(_ again: TurnsAgain) {
            let rows = again.items.map { item in
                [
                    "\(item.record.partition)-\(item.record.offset)", item.type,
                    item.leftOut.map { "left out: \($0)" } ?? "sent again",
                ]
            }
            print(TextTable(["REQUEST", "TYPE", ""], rows))
            print(
                "\nThe history as it is (\(again.stored.messages.count) messages) is kept as '\(again.branch)'; "
                    + "'\(again.stored.id)' goes back to before turn \(again.turn).")
        }
    }
}
