/// Durations and sizes as people write them: a decimal number with its unit, `1.5s` or `64MiB`.
///
/// Scripts and settings share these spellings. Everything is exact: a text that an integer of nanoseconds or bytes
/// cannot hold is refused rather than rounded.
package enum Quantity {
    private struct Unit {
        var name: String
        var scale: Int
    }

    /// Largest first, so that a value is written in the largest unit that divides it.
    private static let durations = [
        Unit(name: "h", scale: 3_600_000_000_000), Unit(name: "m", scale: 60_000_000_000),
        Unit(name: "s", scale: 1_000_000_000), Unit(name: "ms", scale: 1_000_000), Unit(name: "us", scale: 1000),
        Unit(name: "ns", scale: 1),
    ]

    private static let binarySizes = [
        Unit(name: "TiB", scale: 1 << 40), Unit(name: "GiB", scale: 1 << 30), Unit(name: "MiB", scale: 1 << 20),
        Unit(name: "KiB", scale: 1 << 10), Unit(name: "B", scale: 1),
    ]

    private static let otherSizes = [
        Unit(name: "TB", scale: 1_000_000_000_000), Unit(name: "GB", scale: 1_000_000_000),
        Unit(name: "MB", scale: 1_000_000), Unit(name: "KB", scale: 1000), Unit(name: "kB", scale: 1000),
        Unit(name: "Ti", scale: 1 << 40), Unit(name: "Gi", scale: 1 << 30), Unit(name: "Mi", scale: 1 << 20),
        Unit(name: "Ki", scale: 1 << 10), Unit(name: "", scale: 1),
    ]

    /// What ``duration(_:)`` accepts, for messages.
    package static let durationForm = "a duration such as 20ms, 1.5s, 2m or 1h"
    /// What ``byteCount(_:)`` accepts, for messages.
    package static let byteCountForm = "a size such as 65536, 512MB or 2GiB"

    /// The duration that `text` says; `nil` if it says none. A bare `0` is a duration, any other bare number is not.
    package static func duration(_ text: some StringProtocol) -> Duration? {
        if text == "0" { return .zero }
        return value(of: text, in: durations).map { Duration.nanoseconds($0) }
    }

    /// The number of bytes that `text` says; `nil` if it says none. `MB` is a million, `MiB` and `Mi` are 1024².
    package static func byteCount(_ text: some StringProtocol) -> Int? {
        value(of: text, in: binarySizes) ?? value(of: text, in: otherSizes)
    }

    /// Writes `duration`, down to its nanoseconds, so that ``duration(_:)`` reads the same back.
    package static func text(of duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let nanoseconds = Int(attoseconds / 1_000_000_000)
        guard !overflow, case let (sum, false) = whole.addingReportingOverflow(nanoseconds) else {
            return "\(seconds)s"
        }
        return sum == 0 ? "0s" : text(of: sum, in: durations)
    }

    /// Writes a number of bytes so that ``byteCount(_:)`` reads the same back.
    package static func text(ofByteCount count: Int) -> String {
        count == 0 ? "0B" : text(of: count, in: binarySizes)
    }

    private static func text(of value: Int, in units: [Unit]) -> String {
        let unit = units.first { value.isMultiple(of: $0.scale) }
        return unit.map { "\(value / $0.scale)\($0.name)" } ?? "\(value)"
    }

    private static func value(of text: some StringProtocol, in units: [Unit]) -> Int? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let name = text.dropFirst(number.count)
        guard let scale = units.first(where: { $0.name == name })?.scale else { return nil }
        let pieces = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = pieces.first, let whole = Int(first), whole >= 0 else { return nil }
        let (scaled, overflow) = whole.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        guard pieces.count == 2 else { return scaled }
        guard let fraction = fraction(pieces[1], of: scale) else { return nil }
        let (sum, tooLarge) = scaled.addingReportingOverflow(fraction)
        return tooLarge ? nil : sum
    }

    /// The value of the digits behind the point. Six of them at most keep the product within 64 bits for every unit.
    private static func fraction(_ digits: some StringProtocol, of scale: Int) -> Int? {
        guard (1...6).contains(digits.count), let value = Int(digits) else { return nil }
        let divisor = digits.reduce(1) { power, _ in power * 10 }
        let (product, overflow) = value.multipliedReportingOverflow(by: scale)
        return overflow || !product.isMultiple(of: divisor) ? nil : product / divisor
    }
}
