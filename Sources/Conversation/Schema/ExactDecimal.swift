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
