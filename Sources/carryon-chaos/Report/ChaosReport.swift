import Conversation
import Foundation

/// What a run came to.
struct ChaosReport: Sendable {
    let setting: ChaosSetting
    let elapsed: Duration
    let standing: Conversations.Standing
    /// What was done to the service, by kind.
    let faults: [String: Int]
    let examination: Examination
    /// At the committed offsets.
    let looks: Int
    let rewinds: Int
    let findings: [Finding]

    var isClean: Bool { findings.isEmpty }

    private var rows: [(name: String, value: String)] {
        func list(_ counts: [String: Int]) -> String {
            let parts = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            return parts.isEmpty ? "none" : parts.joined(separator: ", ")
        }
        let longest = Double(standing.longestPause.wholeMilliseconds) / 1000
        return [
            ("sessions", "\(setting.sessions), \(standing.sessionsOver) of them to their end"),
            ("requests", "\(standing.requests)"),
            ("turns", "\(standing.turns): \(list(examination.outcomes))"),
            ("events", "\(standing.events), \(examination.suppressed) of them suppressed by the reader's rule"),
            ("done to the service", list(faults)),
            ("recoveries told to readers", list(examination.recoveries)),
            ("ends of runs", list(examination.runEnds)),
            ("readers' reconnects", "\(standing.reconnects)"),
            ("longest pause of a reader", "\(longest) s (\(standing.longestPauseSession))"),
            ("calls of tools", "\(examination.toolCalls), \(examination.toolCallsAgain) made once more"),
            (
                "dead letters",
                "\(list(examination.letters)); set aside for what was done to them: \(examination.exhausted)"
            ),
            ("withheld from live readers", "\(examination.withheld)"),
            ("looks at the committed offsets", "\(looks); offsets gone back: \(rewinds)"),
            ("lost, duplicated, reordered", "\(count(.lost)), \(count(.duplicated)), \(count(.reordered))"),
            ("other findings", "\(findings.count - count(.lost) - count(.duplicated) - count(.reordered))"),
            ("time", "\(elapsed.wholeMilliseconds / 1000) s"),
            ("seeds", "conversations \(setting.seed), faults \(setting.faultSeed)"),
        ]
    }

    private func count(_ kind: Finding.Kind) -> Int { findings.count { $0.kind == kind } }

    var table: String {
        let width = rows.map(\.name.count).max() ?? 0
        let lines = rows.map { row in
            "  " + row.name + String(repeating: " ", count: width - row.name.count + 2) + row.value
        }
        return (lines + ["", isClean ? "  CLEAN" : "  NOT CLEAN: \(findings.count) findings"]).joined(separator: "\n")
    }

    var json: JSON {
        var object = JSONObject()
        for row in rows { object[row.name] = .string(row.value) }
        object["clean"] = .bool(isClean)
        object["findings"] = .array(findings.map { .string("\($0)") })
        object["again"] = .string(setting.commandLine)
        return .object(object)
    }

    /// What went wrong, with what the workers said of it.
    func failure(atMost count: Int = 20) -> String {
        var lines: [String] = []
        var shown: Set<String> = []
        for finding in findings.prefix(count) {
            lines += ["", "\(finding)"]
            guard let session = finding.session, shown.insert(session).inserted else { continue }
            lines += WorkerLogs(directory: setting.directory).lines(about: session).map { "    \($0)" }
        }
        if findings.count > count { lines += ["", "and \(findings.count - count) more"] }
        lines += [
            "", "everything is kept in \(setting.directory.path(percentEncoded: false))",
            "the same plans again (wall-clock time makes runs differ): \(setting.commandLine)",
        ]
        return lines.joined(separator: "\n")
    }
}
