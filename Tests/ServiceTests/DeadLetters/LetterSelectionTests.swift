import Conversation
import Kafka
import Testing
import TurnHost

@testable import CarryonService

@Suite("Which letters are meant")
struct LetterSelectionTests {
    private static let entries: [LetterLedger.Entry] = {
        var ledger = LetterLedger()
        ledger.take(LetterRecords.letter(at: "0-0", session: "a", from: 1, writtenAt: 100))
        ledger.take(LetterRecords.letter(at: "0-1", session: "b", from: 2, cause: .undecodable, writtenAt: 200))
        ledger.take(LetterRecords.letter(at: "0-2", session: "a", from: 3, writtenAt: 300))
        // The first one again.
        ledger.take(LetterRecords.letter(at: "0-3", session: "a", from: 1, writtenAt: 400))
        let note = LetterResolution(.discarded, of: "0-2", at: Timestamp(milliseconds: 0))
        ledger.take(LetterRecords.record(note.record(topic: LetterRecords.topic, key: nil), at: "0-4"))
        return ledger.entries
    }()

    private func ids(_ selection: LetterSelection) -> [LetterID] {
        selection.select(from: Self.entries).selected.map(\.letter.id)
    }

    @Test("A filter means open letters that have all it asks for, and the others too if it says so")
    func filters() {
        var filter = LetterSelection.Filter()
        #expect(ids(.matching(filter)) == ["0-0", "0-1"])
        filter.includesResolved = true
        #expect(ids(.matching(filter)) == ["0-0", "0-1", "0-2"])
        filter.session = "a"
        #expect(ids(.matching(filter)) == ["0-0", "0-2"])
        filter.since = Timestamp(milliseconds: 300)
        #expect(ids(.matching(filter)) == ["0-2"])
        filter = LetterSelection.Filter(until: Timestamp(milliseconds: 200))
        #expect(ids(.matching(filter)) == ["0-0"])
        filter = LetterSelection.Filter(cause: "undecodable")
        #expect(ids(.matching(filter)) == ["0-1"])
        #expect(LetterSelection.matching(filter).namesUndecodable)
        #expect(!LetterSelection.matching(LetterSelection.Filter()).namesUndecodable)
    }

    @Test("An id means its letter, also one that was written again, and those that are not there are said")
    func ids() {
        let (selected, missing) = LetterSelection.these(["0-3", "0-2", "0-0", "7-7"]).select(from: Self.entries)
        #expect(selected.map(\.letter.id) == ["0-0", "0-2"])
        #expect(missing == ["7-7"])
    }

    @Test(
        "A time is RFC 3339 or how long ago",
        arguments: [("2h", 2_800_000), ("1.5s", 9_998_500), ("1970-01-01T00:00:07Z", 7_000)] as [(String, Int64)])
    func times(_ text: String, _ expected: Int64) throws {
        let moment = try LetterFilterOptions.time(text, "--since", 10_000_000)
        #expect(moment == Timestamp(milliseconds: expected))
    }

    @Test("Anything else is refused", arguments: ["", "yesterday", "2026-01-31", "-2h"])
    func noTimes(_ text: String) {
        #expect(throws: (any Error).self) { try LetterFilterOptions.time(text, "--since", 0) }
    }

    @Test(
        "An id is PARTITION-OFFSET and nothing else",
        arguments: ["", "0", "0-", "-1-2", "0-1-2", "a-1", "00-1", "0-+1"])
    func noID(_ text: String) {
        #expect(LetterID(text) == nil)
    }
}
