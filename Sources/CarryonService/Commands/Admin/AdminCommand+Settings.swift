import ArgumentParser
import Conversation
import NIOHTTP1

extension AdminCommand {
    /// `carryon admin settings`
    struct ShowSettings: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "settings", abstract: "Shows the settings that can be changed while a worker runs.")

        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            try await workers.call(.GET, "settings", show: Self.show)
        }

        static func show(_ answers: [(worker: ListenAddress, answer: JSON)]) {
            let rows = answers.flatMap { worker, answer in
                (answer["settings"]?.arrayValue ?? []).map { row(of: $0, at: worker) }
            }
            StandardOutput.line(TextTable(["WORKER", "SETTING", "VALUE", "ACCEPTS", "FROM"], rows).description)
        }

        private static func row(of setting: JSON, at worker: ListenAddress) -> [String] {
            func number(_ name: String) -> String { setting[name]?.int.map { String($0) } ?? "" }
            let accepts = "\(number("minimum")) to \(number("maximum"))"
            let (name, origin) = (setting["name"]?.stringValue ?? "", setting["origin"]?.stringValue ?? "")
            return [worker.description, name, number("value"), accepts, origin]
        }
    }

    /// `carryon admin set`
    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Changes settings of running workers: all that are named, or none.")

        @Argument(help: ArgumentHelp("A setting and its new value.", valueName: "name=value"))
        var changes: [String]
        @OptionGroup var workers: WorkerOptions

        func run() async throws {
            var body = JSONObject()
            for change in changes {
                guard let equals = change.firstIndex(of: "="), equals > change.startIndex else {
                    throw CommandFailure(.usage, "'\(change)' is not of the form NAME=VALUE")
                }
                let (name, text) = (String(change[..<equals]), String(change[change.index(after: equals)...]))
                guard body[name] == nil else { throw CommandFailure(.usage, "'\(name)' is given twice") }
                body[name] = Int(text).map { .number(JSONNumber($0)) } ?? .string(text)
            }
            try await workers.call(.PATCH, "settings", .object(body), show: ShowSettings.show)
        }
    }
}
