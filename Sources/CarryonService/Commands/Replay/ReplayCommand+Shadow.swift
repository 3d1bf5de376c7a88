import ArgumentParser
import Conversation
import Foundation
import Logging
import TurnHost

extension ReplayCommand {
    /// `carryon replay shadow`
    struct Shadow: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "shadow",
            abstract: "Asks recorded questions again and compares the answers; changes nothing that is live.",
            discussion: """
                Each turn is run on the conversation as it was then, with the agent and the model that the settings \
                name now (--agent, --model). Tools are not called unless they are declared read-only: what was recorded \
                is given back. The answers go to a store and an events topic of the replay's own. Interrupted, it goes \
                on when it is given the same --name. Exit status: 0 every answer is the same, 1 some are not.
                """)

        @OptionGroup var range: ReplayRangeOptions
        @Option(help: "The replay's name: of its directory .carryon/replay-NAME, and in its topic's.")
        var name: String?
        @Option(help: "How many turns run at once.") var turns = 16
        @Flag(help: "One JSON object a turn, and a summary in the end, instead of a table.") var json = false

        func validate() throws {
            guard (1...1000).contains(turns) else { throw ValidationError("--turns takes a number from 1 to 1000") }
            if let name, name.isEmpty || !name.utf8.allSatisfy(Self.isNamePart) || name.utf8.count > 60 {
                throw ValidationError("--name takes 1 to 60 of the characters a-z, A-Z, 0-9, '-' and '_'")
            }
        }

        private static func isNamePart(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }

        func run() async throws {
            let name = name ?? "\(wallClock() / 1000)"
            let invocation = try Invocation.required()
            let began = try ReplayClaim.take(
                ShadowReplay.directory(of: name), for: try claim(invocation.settings), name: name, now: wallClock())
            let replay = try ShadowReplay(
                invocation, name: name, range: try range.range(now: began), concurrency: turns)
            let partitions = try range.selected(
                of: try await replay.source.partitions(), topic: replay.source.settings.requestsTopic)
            let replayed = try await replay.run(partitions)
            try tell(replayed, replay)
        }

        /// What must be the same for a replay to go on.
        private func claim(_ settings: Settings) throws -> JSONObject {
            [
                "from": .string(range.from ?? ""), "to": .string(range.to ?? ""),
                "session": .array(range.sessions.sorted().map(JSON.string)),
                "partition": .array(range.partitions.sorted().map { .number(JSONNumber(Int($0))) }),
                "model": .string("\(settings.model)"), "agent": .string(try settings.readAgent()?.description ?? ""),
            ]
        }

        private func tell(_ result: ShadowReplay.Result, _ replay: ShadowReplay) throws {
            let replayed = result.turns
            let summary = ReplaySummary(replayed)
            if json {
                for turn in replayed { print(turn.json.serializedString) }
                for gap in result.gaps { print(gap.json.serializedString) }
                print(summary.json.serializedString)
            } else {
                let changed = replayed.filter { $0.verdict != .same }
                if !changed.isEmpty {
                    let rows = changed.prefix(20).map { turn in
                        [
                            turn.session, "\(turn.turn)", "\(turn.partition)-\(turn.offset)", turn.verdict.rawValue,
                            turn.inShort,
                        ]
                    }
                    print(TextTable(["SESSION", "TURN", "OFFSET", "VERDICT", "WHAT"], rows))
                    if changed.count > 20 { print("and \(changed.count - 20) more") }
                    print("")
                }
                print(summary.table)
                if !result.gaps.isEmpty {
                    print("\nAsked on what is left of the history, as the topics do not have all of it:")
                    print(TextTable(["SESSION", "WHY"], result.gaps.prefix(20).map { [$0.session, $0.reason] }))
                    if result.gaps.count > 20 { print("and \(result.gaps.count - 20) more") }
                    print("")
                }
                print("report: \(replay.pagePath)\nevents: \(replay.eventsTopic)\nstore: \(replay.storePath)")
            }
            guard summary.isSame else {
                throw CommandFailure(
                    .failed, "\(summary.turns - summary.count(.same)) of \(summary.turns) answers are not the same")
            }
        }
    }
}

extension ReplayedTurn {
    /// What is not as it was, on one line.
    fileprivate var inShort: String {
        if let error = now.error, now.outcome == .failed { return String(error.prefix(60)) }
        if was.outcome != now.outcome { return "\(was.outcome.rawValue) then, \(now.outcome.rawValue) now" }
        let segments = WordDifference(from: was.text, to: now.text).segments
        let removed = segments.count { $0.kind == .removed }
        let added = segments.count { $0.kind == .added }
        return removed + added > 0 ? "words: \(removed) places out, \(added) in" : "other calls of tools"
    }
}
