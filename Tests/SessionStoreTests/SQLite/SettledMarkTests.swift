import Testing

@testable import SessionStore

@Suite("The mark a log is recognised by")
struct SettledMarkTests {
    @Test(
        "Only a log that reaches over the mark depends on its record",
        arguments: [
            (start: 0, end: 5, verdict: "another"), (0, 6, "record"), (5, 6, "record"), (6, 6, "same"),
            (6, 7, "same"), (0, 0, "another"),
        ] as [(start: Int64, end: Int64, verdict: String)])
    func verdicts(start: Int64, end: Int64, verdict: String) {
        let found = SettledMark(offset: 5, fingerprint: 1).judge(startOffset: start, endOffset: end)
        switch found {
        case .sameLog: #expect(verdict == "same")
        case .dependsOnRecord: #expect(verdict == "record")
        case .anotherLog: #expect(verdict == "another")
        }
    }
}
