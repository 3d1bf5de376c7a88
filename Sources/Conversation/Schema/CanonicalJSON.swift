/// A value as bytes that are the same for values that are equal by the standard, and for no others: numbers by their
/// value, strings by their Unicode scalars, objects without the order of their members.
struct CanonicalJSON: Sendable, Hashable {
    private(set) var bytes: [UInt8] = []

    init(_ value: JSON) { append(value) }

    private mutating func append(_ value: JSON) {
        switch value {
        case .null: bytes.append(UInt8(ascii: "n"))
        case .bool(let value): bytes.append(value ? UInt8(ascii: "t") : UInt8(ascii: "f"))
        case .number(let value):
            let number = ExactDecimal(value)
            bytes.append(number.isNegative ? UInt8(ascii: "-") : UInt8(ascii: "+"))
            bytes.append(contentsOf: number.digits)
            append(number: number.exponent, closedBy: ";")
        case .string(let text): append(text)
        case .array(let elements):
            append(number: elements.count, closedBy: "[")
            for element in elements { append(element) }
        case .object(let object):
            append(number: object.count, closedBy: "{")
            for (name, value) in object.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
                append(name)
                append(value)
            }
        }
    }

    private mutating func append(_ text: String) {
        append(number: text.utf8.count, closedBy: "\"")
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(number: Int, closedBy mark: Unicode.Scalar) {
        bytes.append(UInt8(ascii: "#"))
        bytes.append(contentsOf: String(number).utf8)
        bytes.append(UInt8(ascii: mark))
    }
}
