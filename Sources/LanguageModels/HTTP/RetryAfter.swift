/// How long a provider asks to wait: a number of seconds or a date, as RFC 9110 has it.
package enum RetryAfter {
    /// A wait that is longer is cut to this: nobody waits for it, and it must not overflow what counts it.
    private static let longest = 31_536_000.0

    /// - Parameters:
    ///   - milliseconds: what some providers send beside the standard header, and more exactly.
    ///   - text: the standard header.
    ///   - now: seconds since 1970.
    package static func duration(milliseconds: String?, orText text: String?, now: Double) -> Duration? {
        if let value = milliseconds.flatMap(Double.init), value >= 0 { return bounded(value / 1000) }
        guard let text else { return nil }
        if let value = Double(text) { return value >= 0 ? bounded(value) : nil }
        return seconds(ofDate: text).map { bounded(max($0 - now, 0)) }
    }

    private static func bounded(_ seconds: Double) -> Duration { .seconds(min(seconds, longest)) }

    /// Seconds since 1970 of an HTTP date in any of its three forms.
    static func seconds(ofDate text: String) -> Double? {
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
        guard let time = words.first(where: { $0.contains(":") }),
            let month = words.lazy.compactMap({ word in months.firstIndex { word == $0 } }).first
        else { return nil }
        let clock = time.split(separator: ":", omittingEmptySubsequences: false).map { Int($0) ?? -1 }
        let numbers = words.compactMap { Int($0) }
        guard clock.count == 3, (0..<24).contains(clock[0]), (0..<60).contains(clock[1]), (0...60).contains(clock[2]),
            numbers.count == 2, (1...31).contains(numbers[0]), (0...9999).contains(numbers[1])
        else { return nil }
        let year = numbers[1] >= 100 ? numbers[1] : numbers[1] + (numbers[1] < 70 ? 2000 : 1900)
        let days = days(year: year, month: month + 1, day: numbers[0])
        return Double(((days * 24 + clock[0]) * 60 + clock[1]) * 60 + clock[2])
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// Days since 1970 in the Gregorian calendar, with years that begin in March so that a leap day comes last.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
