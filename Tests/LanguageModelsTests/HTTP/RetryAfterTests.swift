import LanguageModels
import Testing

@Suite("Retry-After")
struct RetryAfterTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT.
    private static let then = 784_111_777.0

    @Test(
        "Seconds and dates in every form are read",
        arguments: [
            ("7", Duration.seconds(7)), ("0", .zero), ("1.5", .seconds(1.5)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", .seconds(10)), ("Sunday, 06-Nov-94 08:49:37 GMT", .zero),
            ("Sun Nov  6 08:50:37 1994", .seconds(60)), ("Sat, 05 Nov 1994 08:49:37 GMT", .zero),
            ("Thu, 01 Dec 1994 08:49:37 GMT", .seconds(25 * 86_400)), ("1e300", .seconds(31_536_000)),
        ])
    func readable(text: String, expected: Duration) {
        #expect(RetryAfter.duration(milliseconds: nil, orText: text, now: Self.then) == expected)
    }

    @Test("What is neither is none", arguments: ["soon", "", "-1", "Sun, 06 Nov 1994", "Nov 08:49:37", "nan"])
    func unreadable(text: String) {
        #expect(RetryAfter.duration(milliseconds: nil, orText: text, now: Self.then) == nil)
    }

    @Test("A leap day is where it belongs, also at the turn of a century")
    func leapDays() {
        let cases = [
            ("Thu, 29 Feb 2024 00:00:00 GMT", 1_709_164_800.0), ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200.0),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ]
        for (text, seconds) in cases {
            #expect(RetryAfter.duration(milliseconds: nil, orText: text, now: seconds - 5) == .seconds(5), "\(text)")
        }
    }

    @Test("Milliseconds win, being exact")
    func milliseconds() {
        #expect(RetryAfter.duration(milliseconds: "250", orText: "1", now: 0) == .milliseconds(250))
        #expect(RetryAfter.duration(milliseconds: nil, orText: nil, now: 0) == nil)
    }
}
