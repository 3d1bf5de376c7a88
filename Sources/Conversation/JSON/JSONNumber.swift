/// A JSON number, kept as the text it was written in, so that `1.0` stays `1.0` and no digit of a long number is lost.
///
/// Numbers are equal when their text is.
public struct JSONNumber: Sendable, Hashable {
    /// The number as JSON writes it.
    public let literal: String

    /// A whole number.
    public init(_ value: Int) { literal = String(value) }

    /// A number in its shortest text that reads back as the same double; `nil` if it is not finite.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        literal = "\(value)"
    }

    /// For text that is known to be a JSON number.
    init(verified literal: String) { self.literal = literal }

    /// The value, if it is whole and fits (`1.0` and `1e3` are whole).
    public var int64: Int64? {
        if let whole = Int64(literal) { return whole }
        let value = double
        // Beyond 2^53 a double stands for more than one whole number.
        guard value.magnitude <= 9_007_199_254_740_992 else { return nil }
        let whole = Int64(value)
        return Double(whole) == value ? whole : nil
    }

    /// The nearest double; infinite if the number is beyond its range.
    public var double: Double { Double(literal) ?? .nan }
}
