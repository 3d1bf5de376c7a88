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
