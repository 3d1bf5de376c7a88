import ArgumentParser
import Conversation
import SessionStore
import TurnHost

/// `carryon rebuild`
struct RebuildCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Builds an empty or lost session store again from the requests and events topics; no model is asked.",
        discussion: """
            Stop the workers first. The topics must still have the sessions' records from their first on: see \
            'Rebuilding a store' in the documentation for the retention that takes. Interrupted, it is begun again with \
            --continue. Exit status: 0 all is there, 1 something could not be rebuilt.
            """)

    @Flag(name: .customLong("continue"), help: "Adds to a store that has sessions already; what it has stays.")
    var goesOn = false
    @Option(name: .customLong("partition"), help: "Only this partition; may be given several times.")
    var partitions: [Int32] = []
    @Flag(help: "Goes on though the broker tells of workers: they are known to be dead.") var ignoreMembers = false
    @Flag(help: "One JSON object instead of a table.") var json = false

    func run() async throws {
        let rebuild = try TopicRebuild(try Invocation.required())
        let store = try rebuild.settings.openStore()
        let began = ContinuousClock.now
        var reports: [(partition: Int32, report: RebuildReport)] = []
        try await store.closing {
            if !goesOn, let known = try await store.listSessions(after: nil, limit: 1).items.first {
                throw CommandFailure(
                    .failed,
                    "the store has sessions already ('\(known.id)' is one): name an empty one, or use --continue")
            }
            let all = try await rebuild.partitions()
            if let unknown = partitions.first(where: { !all.contains($0) }) {
                throw CommandFailure(.usage, "\(rebuild.settings.requestsTopic) has no partition \(unknown)")
            }
            try await rebuild.requireNoWorkers(unless: ignoreMembers)
            for partition in partitions.isEmpty ? all : partitions.sorted() {
                reports.append((partition, try await rebuild.rebuild(partition, into: store)))
            }
        }
        await rebuild.close()
        try tell(reports, after: .now - began)
    }

    private func tell(_ reports: [(partition: Int32, report: RebuildReport)], after elapsed: Duration) throws {
        var total = RebuildReport()
        for (_, report) in reports { total.add(report) }
        if json {
            print(Self.json(total, elapsed).serializedString)
        } else {
            func row(_ name: String, _ report: RebuildReport) -> [String] {
                [
                    name, "\(report.sessions)", "\(report.turns)", "\(report.otherRequests)", "\(report.openTurns)",
                    "\(report.alreadyThere)", "\(report.gaps.count)",
                ]
            }
            let header = ["PARTITION", "SESSIONS", "TURNS", "OTHER REQUESTS", "UNFINISHED", "WAS THERE", "GAPS"]
            print(TextTable(header, reports.map { row("\($0.partition)", $0.report) } + [row("all", total)]))
            let seconds = max(Double(elapsed.components.seconds), 1)
            print("\(total.events) events and \(total.requests) requests read in \(Int(seconds)) s")
            for gap in total.gaps { print("not as it was: session '\(gap.session)': \(gap.reason)") }
        }
        guard total.gaps.isEmpty else {
            throw CommandFailure(.failed, "\(total.gaps.count) sessions could not be rebuilt as they were")
        }
    }

    private static func json(_ report: RebuildReport, _ elapsed: Duration) -> JSON {
        [
            "sessions": .number(JSONNumber(report.sessions)), "turns": .number(JSONNumber(report.turns)),
            "otherRequests": .number(JSONNumber(report.otherRequests)),
            "unfinished": .number(JSONNumber(report.openTurns)), "wasThere": .number(JSONNumber(report.alreadyThere)),
            "events": .number(JSONNumber(report.events)), "requests": .number(JSONNumber(report.requests)),
            "seconds": .number(JSONNumber(Int(elapsed.components.seconds))),
            "gaps": .array(report.gaps.map { ["session": .string($0.session), "reason": .string($0.reason)] }),
        ]
    }
}
