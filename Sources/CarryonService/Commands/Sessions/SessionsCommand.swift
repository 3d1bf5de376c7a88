import ArgumentParser
import Conversation
import Gateway
import SessionStore

/// `carryon sessions`: what the store holds.
struct SessionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "Lists sessions, shows their transcripts, copies and erases them.",
        subcommands: [List.self, Show.self, Fork.self, Export.self, Import.self, Erase.self],
        defaultSubcommand: List.self)

    /// `carryon sessions list`
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Lists sessions, the last updated first.")

        @Option(help: "How many at the most.") var limit = 50
        @Option(help: "Goes on where a list ended.") var cursor: String?
        @Flag(help: "One JSON object instead of a table.") var json = false

        func validate() throws {
            guard (1...1000).contains(limit) else { throw ValidationError("--limit takes a number from 1 to 1000") }
        }

        func run() async throws {
            let store = try Invocation.required().settings.openStore(mustExist: true)
            let page = try await store.listSessions(after: cursor, limit: limit)
            try await store.close()
            if json {
                var object: JSONObject = ["sessions": .array(page.items.map(\.json))]
                object["cursor"] = page.cursor.map(JSON.string)
                print(JSON.object(object).serializedString)
                return
            }
            let rows = page.items.map { session in
                [
                    session.id, "\(session.turns)", "\(session.messageCount)", session.isClosed ? "closed" : "open",
                    Timestamp(milliseconds: session.updatedAt).rfc3339,
                ]
            }
            print(TextTable(["SESSION", "TURNS", "MESSAGES", "STATE", "UPDATED"], rows))
            if let cursor = page.cursor { print("more: --cursor \(cursor)") }
        }
    }

    /// `carryon sessions show`
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "show", abstract: "Shows a session's transcript.")

        @Argument(help: "The session's id.") var id: String
        @Option(help: "Shows it as it was after this turn; the first turn is 0.") var at: Int?
        @Flag(help: "One JSON object instead of text.") var json = false

        func run() async throws {
            let store = try Invocation.required().settings.openStore(mustExist: true)
            try await store.closing { try show(try await store.existing(id)) }
        }

        private func show(_ loaded: StoredSession) throws {
            var stored = loaded
            if let at {
                let copy = try SessionCopy(stored).at(turn: at)
                (stored.messages, stored.turns) = (copy.messages, copy.turns)
                stored.openRuns = []
            }
            if json {
                print(try stored.transcript().serializedString)
                return
            }
            for message in try stored.parsedMessages() {
                print("\(message.role.rawValue): \(message.text)")
            }
            for run in stored.openRuns {
                print("(turn \(run.turn), run \(run.run): \(run.status.rawValue), \(run.cause ?? "not settled"))")
            }
        }
    }
}
