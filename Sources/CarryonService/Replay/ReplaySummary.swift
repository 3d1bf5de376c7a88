import Conversation
import TurnHost

/// What came of a replay, in numbers.
struct ReplaySummary: Sendable, Hashable {
    private(set) var counts: [ReplayedTurn.Verdict: Int] = [:]
    private(set) var was = Usage()
    private(set) var now = Usage()
    private(set) var seconds = 0.0

    init(_ turns: some Sequence<ReplayedTurn>) {
        for turn in turns {
            counts[turn.verdict, default: 0] += 1
            if let usage = turn.was.usage { was = was.adding(usage) }
            if let usage = turn.now.usage { now = now.adding(usage) }
            seconds += turn.seconds
        }
    }

    var turns: Int { counts.values.reduce(0, +) }

    func count(_ verdict: ReplayedTurn.Verdict) -> Int { counts[verdict] ?? 0 }

    var isSame: Bool { count(.same) == turns }

    var json: JSON {
        var object: JSONObject = ["turns": .number(JSONNumber(turns))]
        for verdict in ReplayedTurn.Verdict.allCases { object[verdict.rawValue] = .number(JSONNumber(count(verdict))) }
        object["usageWas"] = was.json
        object["usageNow"] = now.json
        return .object(object)
    }

    /// For people.
    var table: TextTable {
        func tokens(_ count: Int?) -> String { count.map { "\($0)" } ?? "-" }
        return TextTable(
            ["TURNS", "SAME", "DIFFERENT", "FAILED", "TOKENS IN, WAS", "NOW", "TOKENS OUT, WAS", "NOW"],
            [
                [
                    "\(turns)", "\(count(.same))", "\(count(.different))", "\(count(.failed))", tokens(was.inputTokens),
                    tokens(now.inputTokens), tokens(was.outputTokens), tokens(now.outputTokens),
                ]
            ])
    }
}
