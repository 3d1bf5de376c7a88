/// A JSON number by its value: all its digits, and none of the ways in which they can be written.
struct ExactDecimal: Sendable, Hashable {
    let isNegative: Bool
    /// The digits, without zeros at either end; none for zero.
    let digits: [UInt8]
    /// The power of ten of the last digit. Beyond any use it saturates instead of overflowing.
    let exponent: Int

    private static let exponentLimit = 1_000_000_000_000_000

    init(_ number: JSONNumber) {
        var digits: [UInt8] = []
        var isNegative = false
        var fraction = 0
        var isInFraction = false
        var written = 0
        let units = Array(number.literal.utf8)
        for (position, unit) in units.enumerated() {
            switch unit {
            case UInt8(ascii: "-"): isNegative = true
            case UInt8(ascii: "."): isInFraction = true
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                let digit = unit - UInt8(ascii: "0")
                if digit != 0 || !digits.isEmpty { digits.append(digit) }
                if isInFraction { fraction += 1 }
            default: written = Self.exponent(units[(position + 1)...])
            }
            if unit | 0x20 == UInt8(ascii: "e") { break }
        }
        self.init(isNegative: isNegative, digits: digits, exponent: written - fraction)
    }

    private init(isNegative: Bool, digits: [UInt8], exponent: Int) {
        let zeros = digits.reversed().prefix { $0 == 0 }.count
        self.digits = Array(digits.dropLast(zeros))
        self.isNegative = isNegative && !self.digits.isEmpty
        self.exponent = self.digits.isEmpty ? 0 : exponent + zeros
    }

    private static func exponent(_ units: ArraySlice<UInt8>) -> Int {
        var exponent = 0
        for unit in units where unit >= UInt8(ascii: "0") && unit <= UInt8(ascii: "9") {
            exponent = min(exponent * 10 + Int(unit - UInt8(ascii: "0")), exponentLimit)
        }
        return units.first == UInt8(ascii: "-") ? -exponent : exponent
    }

    var isZero: Bool { digits.isEmpty }

    /// Whether there is no fraction.
    var isWhole: Bool { exponent >= 0 }
}

extension ExactDecimal: Comparable {
    static func < (one: ExactDecimal, other: ExactDecimal) -> Bool {
        switch (one.isNegative, other.isNegative) {
        case (true, false): true
        case (false, true): false
        case (false, false): one.isSmallerInMagnitude(than: other)
        case (true, true): other.isSmallerInMagnitude(than: one)
        }
    }

    private func isSmallerInMagnitude(than other: ExactDecimal) -> Bool {
        if isZero || other.isZero { return !other.isZero }
        let (order, otherOrder) = (digits.count + exponent, other.digits.count + other.exponent)
        return order == otherOrder ? digits.lexicographicallyPrecedes(other.digits) : order < otherOrder
    }
}

/// A number that others may have to be a multiple of.
struct ExactDivisor: Sendable {
    private let significand: UInt64
    private let exponent: Int

    /// The most digits that a divisor may have, so that a remainder and one digit more fit into a word.
    static let maximumDigits = 18

    /// `nil` if the number is not positive or has too many digits.
    init?(_ number: ExactDecimal) {
        guard !number.isZero, !number.isNegative, number.digits.count <= Self.maximumDigits else { return nil }
        significand = number.digits.reduce(0) { $0 * 10 + UInt64($1) }
        exponent = number.exponent
    }

    func divides(_ number: ExactDecimal) -> Bool {
        if number.isZero { return true }
        // Without zeros at its end the number has no power of ten to spare.
        guard number.exponent >= exponent else { return false }
        let remainder = number.digits.reduce(0 as UInt64) { ($0 * 10 + UInt64($1)) % significand }
        return product(remainder, powerOfTen(number.exponent - exponent)) == 0
    }

    private func product(_ one: UInt64, _ other: UInt64) -> UInt64 {
        significand.dividingFullWidth((one % significand).multipliedFullWidth(by: other % significand)).remainder
    }

    private func powerOfTen(_ power: Int) -> UInt64 {
        var (result, base, power) = (1 % significand, 10 % significand, power)
        while power > 0 {
            if power & 1 == 1 { result = product(result, base) }
            base = product(base, base)
            power >>= 1
        }
        return result
    }
}
