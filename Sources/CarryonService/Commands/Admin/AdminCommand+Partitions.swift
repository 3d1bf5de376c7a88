import ArgumentParser
import Conversation
import NIOHTTP1

extension AdminCommand {
    /// `carryon admin pause`
    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "pause",
            abstract: "Pauses a partition of the requests topic; turns that run go on to their end.",
            discussion: """
                A worker that the partition comes to later pauses it too, if it was asked. The pause ends with \
                'carryon admin resume', or with the worker.
                """)

        @Argument(help: "The partition's number.") var partition: Int32
        @Option(help: "Why; it is shown wherever the pause is.") var reason: String
        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            try await workers.call(
                .POST, "partitions/\(partition)/pause", ["reason": .string(reason)], show: AdminCommand.showPartitions)
        }
    }

    /// `carryon admin resume`
    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "resume", abstract: "Ends the pause of a partition.")

        @Argument(help: "The partition's number.") var partition: Int32
        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            try await workers.call(
                .POST, "partitions/\(partition)/resume", .object([:]), show: AdminCommand.showPartitions)
        }
    }

    private static func showPartitions(_ answers: [(worker: ListenAddress, answer: JSON)]) {
        let rows = answers.map { worker, answer in
            [
                "\(worker)", answer["partition"]?.int.map { "\($0)" } ?? "",
                answer["paused"]?.bool == true ? "paused" : "not paused",
                answer["assigned"]?.bool == true ? "assigned" : "not assigned",
                (answer["reason"]?.stringValue ?? "").printable,
            ]
        }
        StandardOutput.line(TextTable(["WORKER", "PARTITION", "STATE", "HERE", "REASON"], rows).description)
    }
}
