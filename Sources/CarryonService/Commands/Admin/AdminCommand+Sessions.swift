import ArgumentParser
import Conversation
import NIOHTTP1

extension AdminCommand {
    /// `carryon admin park`
    struct Park: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "park",
            abstract: "Parks a session: its requests are set aside until it is released. A turn that runs goes on.",
            discussion: "What is set aside is shown by 'carryon dead-letters list --cause parked'.")

        @Argument(help: "The session's id.") var session: String
        @Option(help: "Why; its dead letters say so.") var reason: String
        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            try await workers.call(
                .POST, "sessions/\(session.pathComponent)/park", ["reason": .string(reason)],
                show: AdminCommand.showSessions)
        }
    }

    /// `carryon admin release`
    struct Release: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "release",
            abstract: "Has what was set aside of a parked session sent again, in its order, and then ends its park.",
            discussion: """
                It is done by the session's worker; 'carryon admin parked' shows the session until it is through.
                """)

        @Argument(help: "The session's id.") var session: String
        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            try await workers.call(
                .POST, "sessions/\(session.pathComponent)/release", .object([:]), show: AdminCommand.showSessions)
        }
    }

    /// `carryon admin parked`
    struct Parked: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "parked", abstract: "Lists the sessions that are parked.")

        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            try await workers.call(.GET, "parked") { answers in
                AdminCommand.showSessions(
                    answers.flatMap { worker, answer in
                        (answer["parked"]?.arrayValue ?? []).map { (worker: worker, answer: $0) }
                    })
            }
        }
    }

    private static func showSessions(_ answers: [(worker: ListenAddress, answer: JSON)]) {
        let rows = answers.map { worker, answer in
            [
                "\(worker)", (answer["session"]?.stringValue ?? "").printable, answer["state"]?.stringValue ?? "",
                answer["since"]?.stringValue ?? "", (answer["reason"]?.stringValue ?? "").printable,
            ]
        }
        StandardOutput.line(TextTable(["WORKER", "SESSION", "STATE", "SINCE", "REASON"], rows).description)
    }
}

extension String {
    /// As one part of a URL's path, whatever is in it.
    fileprivate var pathComponent: String {
        utf8.map { byte in
            let isPlain =
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + [byte].hex.uppercased()
        }
        .joined()
    }
}
