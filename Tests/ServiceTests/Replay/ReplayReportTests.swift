import Conversation
import Foundation
import TestSupport
import Testing
import TurnHost

@testable import CarryonService

@Suite("What a replay tells")
struct ReplayReportTests {
    private static func turn(
        _ was: String, _ now: String, _ outcome: TurnOutcome = .completed, calls: [String] = [], nowCalls: [String] = []
    ) -> ReplayedTurn {
        ReplayedTurn(
            session: "s", turn: 1, partition: 0, offset: 3, question: "why?",
            was: RecordedTurn.Answer(outcome: .completed, text: was, calls: calls, usage: Usage(inputTokens: 3)),
            now: RecordedTurn.Answer(outcome: outcome, text: now, calls: nowCalls, usage: Usage(inputTokens: 5)),
            seconds: 0.25)
    }

    @Test("The segments of a difference are the old text without what came in, and the new one without what went out")
    func segments() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let words = ["one ", "two\n", "three", "  ", "four ", "é\u{301} ", "👩‍👩‍👧 "]
        for _ in 0..<500 {
            func text() -> String {
                (0..<Int.random(in: 0..<12, using: &random)).map { _ in words.randomElement(using: &random) ?? "" }
                    .joined()
            }
            let (old, new) = (text(), text())
            let segments = WordDifference(from: old, to: new).segments
            let comment = Comment("CARRYON_TEST_SEED=\(seed): '\(old)' to '\(new)'")
            #expect(segments.filter { $0.kind != .added }.map(\.text).joined() == old, comment)
            #expect(segments.filter { $0.kind != .removed }.map(\.text).joined() == new, comment)
            #expect(!zip(segments, segments.dropFirst()).contains { $0.kind == $1.kind }, comment)
            if old == new { #expect(segments.allSatisfy { $0.kind == .same }, comment) }
        }
    }

    @Test("One word is told as one word")
    func oneWord() {
        let segments = WordDifference(from: "the red house stands", to: "the blue house stands").segments
        #expect(segments.map(\.kind) == [.same, .removed, .added, .same])
        #expect(segments.map(\.text) == ["the", " red", " blue", " house stands"])
    }

    @Test("Words, calls and endings make a verdict")
    func verdicts() {
        #expect(Self.turn("a", "a").verdict == .same)
        #expect(Self.turn("a", "b").verdict == .different)
        #expect(Self.turn("a", "a", calls: ["x() = 1"], nowCalls: ["x() = 2"]).verdict == .different)
        #expect(Self.turn("a", "a", .failed).verdict == .failed)
        #expect(Self.turn("a", "a", .stopped).verdict == .different)
    }

    @Test("A journal's line is read again as it was, and one that was cut off is left out")
    func journal() throws {
        let directory = try TemporaryDirectory()
        let turns = [Self.turn("a \"quoted\"\n", "b", calls: ["x({\"n\":1}) = 1"]), Self.turn("a", "a")]
        for turn in turns { #expect(ReplayedTurn(turn.json) == turn) }
        let path = directory.path("turns.jsonl")
        let first = try ReplayJournal(path: path)
        try first.add(turns[0])
        first.close()
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        try String(whole.dropLast(20)).write(toFile: path, atomically: true, encoding: .utf8)
        let second = try ReplayJournal(path: path)
        #expect(second.count == 0)
        try second.add(turns[1])
        second.close()
        #expect(try ReplayJournal(path: path).turns == [turns[1]])
    }

    @Test("Sessions that the topics do not have whole are kept in the journal, each once, and named on the page")
    func gaps() throws {
        let directory = try TemporaryDirectory()
        let path = directory.path("turns.jsonl")
        let journal = try ReplayJournal(path: path)
        try journal.add(Self.turn("a", "a"))
        let gaps = ["s", "t"].map { RebuildReport.Gap(session: $0, reason: "its first events are gone <\($0)>") }
        try journal.add(gaps)
        try journal.add([RebuildReport.Gap(session: "s", reason: "for another reason")])
        journal.close()
        let again = try ReplayJournal(path: path)
        #expect(again.gaps == gaps)
        #expect(again.count == 1)
        let page = ReplayPage(name: "n", turns: again.turns, gaps: again.gaps).html
        #expect(page.contains("<b>s</b> (its first events are gone &lt;s&gt;), <b>t</b>"))
        #expect(!ReplayPage(name: "n", turns: again.turns).html.contains("what is left of the history"))
    }

    @Test("What was said stands on the page as text")
    func page() {
        let page = ReplayPage(name: "<n>", turns: [Self.turn("<script>alert(1)</script>", "& \"no\"")]).html
        #expect(!page.contains("<script>"))
        #expect(page.contains("<del>&lt;script&gt;alert(1)&lt;/script&gt;</del><ins>&amp; &quot;no&quot;</ins>"))
        #expect(page.contains("3 → 5"))
    }

    @Test("A range has its first request in it and its last one not")
    func range() {
        let range = ReplayRange(from: .offset(3), to: .time(Timestamp(milliseconds: 100)), sessions: ["s"])
        #expect(range.contains("s", offset: 3, time: 99))
        #expect(!range.contains("s", offset: 2, time: 99))
        #expect(!range.contains("s", offset: 3, time: 100))
        #expect(!range.contains("t", offset: 3, time: 99))
        #expect(ReplayRange(to: .offset(4)).isOver(offset: 4))
        #expect(!ReplayRange(to: .offset(4)).contains("s", offset: 4, time: 0))
    }

    @Test(
        "Progress tells how far, how fast and how long still",
        arguments: [
            (50, 100, "[##########----------] 50 %, 50 of 100 turns, 5.0/s, 10 s left"),
            (100, 100, "[####################] 100 %, 100 of 100 turns, 10/s"),
            (10, 10_000, "[--------------------] 0 %, 10 of 10000 turns, 1.0/s, 3 h left"),
        ] as [(Int, Int, String)])
    func progress(count: Int, total: Int, expected: String) {
        let line = ProgressMeter.line("all", unit: "turns", count: count, of: total, after: .seconds(10))
        #expect(line == "all: \(expected)")
    }
}
