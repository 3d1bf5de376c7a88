import Conversation
import Testing

@Suite("Timestamps")
struct TimestampTests {
    @Test(
        "RFC 3339 times are read to the millisecond",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("1969-12-31T23:59:59.999Z", -1),
            ("2026-01-31T09:30:00.25+01:00", 1_769_848_200_250),
            ("2000-02-29t12:00:00z", 951_825_600_000), ("1985-04-12T23:20:50.5299Z", 482_196_050_529),
            ("1990-12-31T23:59:60Z", 662_688_000_000), ("1990-12-31T15:59:60-08:00", 662_688_000_000),
            ("0000-01-01T00:00:00Z", -62_167_219_200_000), ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("1970-01-01T00:00:00-00:00", 0), ("1970-01-01T00:00:00.1234567890123Z", 123),
        ] as [(String, Int64)])
    func read(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(
        "Anything else is no time",
        arguments: [
            "", "2026-01-31", "2026-01-31T09:30:00", "2026-01-31 09:30:00Z", "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z", "2026-01-01T12:00:60Z", "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0100", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+01:60", "26-01-01T00:00:00Z",
            "2026-01-01T00:00:00Zx", " 2026-01-01T00:00:00Z", "2026-1-01T00:00:00Z", "+026-01-01T00:00:00Z",
        ])
    func refused(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test("A moment that is written reads back the same", arguments: UInt64(0)..<20)
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<100 {
            let moment = Timestamp(
                milliseconds: Int64.random(in: -62_167_219_200_000...253_402_300_799_999, using: &random))
            #expect(Timestamp(rfc3339: moment.rfc3339) == moment, Comment(rawValue: "seed \(seed): \(moment.rfc3339)"))
        }
    }

    @Test("Days follow one another over four centuries")
    func calendar() {
        var expected: [String] = []
        for year in 1899...2101 {
            let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
            for (month, days) in [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                for day in 1...days {
                    let pad = { (value: Int) in value < 10 ? "0\(value)" : "\(value)" }
                    expected.append("\(year)-\(pad(month + 1))-\(pad(day))T00:00:00.000Z")
                }
            }
        }
        let first = Timestamp(rfc3339: "1899-01-01T00:00:00Z")?.milliseconds ?? 0
        let written = expected.indices.map { Timestamp(milliseconds: first + Int64($0) * 86_400_000).rfc3339 }
        #expect(written == expected)
    }

    @Test("Moments that the format cannot say are moved to its limits")
    func limits() {
        #expect(Timestamp(milliseconds: .max).rfc3339 == "9999-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: .min).rfc3339 == "0000-01-01T00:00:00.000Z")
    }
}
