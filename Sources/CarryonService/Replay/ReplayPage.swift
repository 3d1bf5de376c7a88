import Conversation
import TurnHost

/// A replay's report as one HTML file that needs nothing else: open it in a browser.
struct ReplayPage {
    let name: String
    let turns: [ReplayedTurn]
    var gaps: [RebuildReport.Gap] = []

    /// More turns than this are not shown one by one when they are the same.
    private static let shownSame = 200

    var html: String {
        let summary = ReplaySummary(turns)
        let changed = turns.filter { $0.verdict != .same }
        let same = turns.filter { $0.verdict == .same }
        var body = "<h1>Replay \(Self.escaped(name))</h1>\n" + Self.tiles(summary)
        if !gaps.isEmpty {
            body += "<p class=\"gaps\">Asked on what is left of the history: "
            body += gaps.map { "<b>\(Self.escaped($0.session))</b> (\(Self.escaped($0.reason)))" }.joined(
                separator: ", ")
            body += ".</p>\n"
        }
        body += changed.isEmpty ? "<p class=\"all\">Every answer is what it was.</p>\n" : ""
        body += changed.map { Self.section($0, isOpen: true) }.joined()
        body += same.prefix(Self.shownSame).map { Self.section($0, isOpen: false) }.joined()
        if same.count > Self.shownSame {
            body += "<p class=\"more\">\(same.count - Self.shownSame) more turns are the same.</p>\n"
        }
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
            <title>Replay \(Self.escaped(name))</title><style>\(Self.style)</style></head>
            <body><main>
            \(body)</main></body></html>

            """
    }

    private static func tiles(_ summary: ReplaySummary) -> String {
        func tile(_ number: String, _ label: String, _ kind: String = "") -> String {
            "<div class=\"tile \(kind)\"><b>\(number)</b><span>\(label)</span></div>"
        }
        func tokens(_ was: Int?, _ now: Int?) -> String {
            "\(was.map(String.init) ?? "–") → \(now.map(String.init) ?? "–")"
        }
        let tiles = [
            tile("\(summary.turns)", "turns"), tile("\(summary.count(.same))", "same", "same"),
            tile("\(summary.count(.different))", "different", "different"),
            tile("\(summary.count(.failed))", "failed", "failed"),
            tile(tokens(summary.was.inputTokens, summary.now.inputTokens), "tokens in"),
            tile(tokens(summary.was.outputTokens, summary.now.outputTokens), "tokens out"),
        ]
        return "<div class=\"tiles\">\(tiles.joined())</div>\n"
    }

    private static func section(_ turn: ReplayedTurn, isOpen: Bool) -> String {
        var text =
            "<details class=\"turn\"\(isOpen ? " open" : "")><summary><span class=\"badge \(turn.verdict.rawValue)\">"
        text += "\(turn.verdict.rawValue)</span> <b>\(escaped(turn.session))</b> turn \(turn.turn)"
        text += " <span class=\"place\">offset \(turn.partition)-\(turn.offset)</span></summary>\n"
        if !turn.question.isEmpty { text += "<p class=\"question\">\(escaped(turn.question))</p>\n" }
        let words = WordDifference(from: turn.was.text, to: turn.now.text).segments.map { segment in
            switch segment.kind {
            case .same: escaped(segment.text)
            case .removed: "<del>\(escaped(segment.text))</del>"
            case .added: "<ins>\(escaped(segment.text))</ins>"
            }
        }
        text += "<p class=\"answer\">\(words.joined())</p>\n"
        if turn.was.outcome != turn.now.outcome {
            text += "<p>Ended as <del>\(turn.was.outcome.rawValue)</del> <ins>\(turn.now.outcome.rawValue)</ins></p>\n"
        }
        if let error = turn.now.error { text += "<p class=\"error\">\(escaped(error))</p>\n" }
        text += calls(turn)
        return text + "</details>\n"
    }

    private static func calls(_ turn: ReplayedTurn) -> String {
        guard !turn.was.calls.isEmpty || !turn.now.calls.isEmpty else { return "" }
        let now = Set(turn.now.calls)
        let was = Set(turn.was.calls)
        var lines = turn.was.calls.filter { !now.contains($0) }.map { "<li><del>\(escaped($0))</del></li>" }
        lines += turn.now.calls.map {
            was.contains($0) ? "<li>\(escaped($0))</li>" : "<li><ins>\(escaped($0))</ins></li>"
        }
        return "<ul class=\"calls\">\(lines.joined())</ul>\n"
    }

    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            switch character {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.append(character)
            }
        }
    }

    private static let style = """
        :root{color-scheme:light dark;--ink:#1b1f24;--soft:#5b6470;--line:#d9dee5;--paper:#fff;--back:#f5f7f9;
        --add:#d3f3dc;--del:#fbdcdc;--same:#2f7d4f;--different:#a86a00;--failed:#b3261e}
        @media(prefers-color-scheme:dark){:root{--ink:#e8eaed;--soft:#9aa3ad;--line:#31363d;--paper:#1d2024;--back:#15171a;
        --add:#1f4a2d;--del:#5a2424;--same:#6cc08b;--different:#e0aa4e;--failed:#f2867d}}
        body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
        main{max-width:860px;margin:0 auto;padding:24px 16px}h1{font-size:22px;margin:0 0 16px}
        .tiles{display:flex;flex-wrap:wrap;gap:10px;margin-bottom:20px}
        .tile{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:10px 16px;min-width:74px}
        .tile b{display:block;font-size:20px}.tile span{color:var(--soft);font-size:13px}
        .tile.same b{color:var(--same)}.tile.different b{color:var(--different)}.tile.failed b{color:var(--failed)}
        .turn{background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:10px 16px;margin:10px 0}
        summary{cursor:pointer}.place{color:var(--soft);font-size:13px;float:right}
        .badge{border:1px solid currentColor;border-radius:99px;padding:1px 9px;font-size:12px;margin-right:6px}
        .badge.same{color:var(--same)}.badge.different{color:var(--different)}.badge.failed{color:var(--failed)}
        .question{color:var(--soft);border-left:3px solid var(--line);padding-left:10px}
        .answer,.question{white-space:pre-wrap;overflow-wrap:anywhere}.error{color:var(--failed)}
        ins{background:var(--add);text-decoration:none}del{background:var(--del)}
        .calls{font:13px/1.5 ui-monospace,monospace;overflow-wrap:anywhere}.all,.more,.gaps{color:var(--soft)}
        """
}
