/// A moment, in milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
public struct Timestamp: Sendable, Hashable, Comparable {
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (one: Timestamp, other: Timestamp) -> Bool { one.milliseconds < other.milliseconds }

    /// Reads an RFC 3339 time, such as `2026-01-31T09:30:00.25+01:00`; `nil` if the text is anything else.
    ///
    /// Digits beyond milliseconds are dropped. A leap second (23:59:60 in UTC) is read as the second that follows it.
    public init?(rfc3339 text: String) {
        var reader = TimeReader(text: Array(text.utf8))
        guard let year = reader.digits(4), reader.skip("-"),
            let month = reader.digits(2), (1...12).contains(month), reader.skip("-"),
            let day = reader.digits(2), (1...Self.days(inMonth: month, of: year)).contains(day), reader.skip("Tt"),
            let hour = reader.digits(2), hour < 24, reader.skip(":"),
            let minute = reader.digits(2), minute < 60, reader.skip(":"),
            let second = reader.digits(2), second <= 60,
            let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
        else { return nil }
        let days = Self.daysSince1970(year: year, month: month, day: day)
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset * 60)
        if second == 60 && seconds % 86_400 != 0 { return nil }
        milliseconds = seconds * 1_000 + Int64(fraction)
    }

    /// The moment as an RFC 3339 time in UTC with milliseconds. Years outside 0...9999, which the format cannot say,
    /// are moved to its limits.
    public var rfc3339: String {
        let earliest = Self.daysSince1970(year: 0, month: 1, day: 1) * 86_400_000
        let latest = Self.daysSince1970(year: 10_000, month: 1, day: 1) * 86_400_000 - 1
        let moment = min(max(milliseconds, earliest), latest)
        let inDay = Int((moment % 86_400_000 + 86_400_000) % 86_400_000)
        let days = (moment - Int64(inDay)) / 86_400_000
        let (year, month, day) = Self.date(daysSince1970: days)
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let time = [inDay / 3_600_000, inDay / 60_000 % 60, inDay / 1_000 % 60].map { padded($0, 2) }
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(time.joined(separator: ":"))"
            + ".\(padded(inDay % 1_000, 3))Z"
    }

    private static func days(inMonth month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    /// Counts in years that begin in March, so that the leap day comes last, and in cycles of 400 years from year -400.
    private static func daysSince1970(year: Int, month: Int, day: Int) -> Int64 {
        let marchYear = (month <= 2 ? year - 1 : year) + 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let days = marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear
        return Int64(days - daysBefore1970)
    }

    private static func date(daysSince1970 days: Int64) -> (year: Int, month: Int, day: Int) {
        let day = Int(days) + daysBefore1970
        let cycle = day / 146_097
        let dayOfCycle = day % 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfCycle + cycle * 400 - 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }

    /// The days from 1 March -400 to 1 January 1970.
    private static let daysBefore1970 = 719_468 + 146_097
}

/// Takes the parts of an RFC 3339 time off the front of a text.
private struct TimeReader {
    let text: [UInt8]
    private var position = 0

    init(text: [UInt8]) { self.text = text }

    var isAtEnd: Bool { position == text.count }

    private mutating func digit() -> Int? {
        guard position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) else {
            return nil
        }
        position += 1
        return Int(text[position - 1] - UInt8(ascii: "0"))
    }

    mutating func digits(_ count: Int) -> Int? {
        var value = 0
        for _ in 0..<count {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// Skips one character if it is one of those.
    mutating func skip(_ allowed: String) -> Bool {
        guard position < text.count, allowed.utf8.contains(text[position]) else { return false }
        position += 1
        return true
    }

    /// Milliseconds; 0 if there is no fraction, `nil` if there is a point without digits.
    mutating func fraction() -> Int? {
        guard skip(".") else { return 0 }
        guard var value = digit() else { return nil }
        var taken = 1
        while let digit = digit() {
            if taken < 3 {
                value = value * 10 + digit
                taken += 1
            }
        }
        while taken < 3 {
            value *= 10
            taken += 1
        }
        return value
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int? {
        if skip("Zz") { return 0 }
        let isWest = position < text.count && text[position] == UInt8(ascii: "-")
        guard skip("+-"), let hours = digits(2), hours < 24, skip(":"), let minutes = digits(2), minutes < 60 else {
            return nil
        }
        return (isWest ? -1 : 1) * (hours * 60 + minutes)
    }
}
