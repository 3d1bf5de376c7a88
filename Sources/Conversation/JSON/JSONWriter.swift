/// Writes compact JSON straight into bytes, without a tree of values in between.
///
/// The caller keeps the grammar: a member's name before each value of an object, as many ends as beginnings. Commas
/// come by themselves.
///
/// ```swift
/// var writer = JSONWriter()
/// writer.beginObject()
/// writer.member("type", string: "text-delta")
/// writer.endObject()
/// ```
public struct JSONWriter: Sendable {
    /// What has been written so far.
    public private(set) var bytes: [UInt8] = []
    /// Whether a value was completed at this level, so that the next one needs a comma.
    private var needsComma = false

    /// A writer with room for that many bytes before it must grow.
    public init(capacity: Int = 192) { bytes.reserveCapacity(capacity) }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    /// Writes a member's name, of which it is known that it needs no escaping. The value must follow.
    public mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        name.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes any member's name. The value must follow.
    public mutating func name(escaping name: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    public mutating func string(_ value: String) {
        separate()
        quote(value)
    }

    /// Writes a string of which it is known that it needs no escaping.
    public mutating func literal(_ value: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        value.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func int(_ value: some FixedWidthInteger) {
        separate()
        bytes.append(contentsOf: String(value).utf8)
    }

    public mutating func bool(_ value: Bool) { token(value ? "true" : "false") }

    public mutating func null() { token("null") }

    /// Writes bytes that are one JSON value already; they are not looked at.
    public mutating func raw(_ value: some Collection<UInt8>) {
        separate()
        bytes.append(contentsOf: value)
    }

    public mutating func value(_ value: JSON) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let value):
            separate()
            bytes.append(contentsOf: value.literal.utf8)
        case .string(let value): string(value)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let object):
            beginObject()
            members(object)
            endObject()
        }
    }

    private mutating func token(_ text: StaticString) {
        separate()
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func quote(_ text: String) {
        var text = text
        bytes.append(UInt8(ascii: "\""))
        text.withUTF8 { units in
            var written = 0
            for position in units.indices {
                let unit = units[position]
                guard unit < 0x20 || unit == UInt8(ascii: "\"") || unit == UInt8(ascii: "\\") else { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: units[written..<position]))
                appendEscape(unit)
                written = position + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: units[written...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscape(_ unit: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch unit {
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case ..<0x20:
            let digits = String(unit, radix: 16)
            bytes.append(contentsOf: (digits.utf8.count == 1 ? "u000" : "u00").utf8)
            bytes.append(contentsOf: digits.utf8)
        default: bytes.append(unit)
        }
    }
}

extension JSONWriter {
    /// Writes a member that holds a string; nothing at all for `nil`.
    public mutating func member(_ name: StaticString, string value: String?) {
        guard let value else { return }
        self.name(name)
        string(value)
    }

    /// Writes a member that holds a string of which it is known that it needs no escaping.
    public mutating func member(_ name: StaticString, literal value: StaticString) {
        self.name(name)
        literal(value)
    }

    /// Writes a member that holds a whole number; nothing at all for `nil`.
    public mutating func member(_ name: StaticString, int value: Int64?) {
        guard let value else { return }
        self.name(name)
        int(value)
    }

    /// Writes a member that holds a boolean; nothing at all for `nil`.
    public mutating func member(_ name: StaticString, bool value: Bool?) {
        guard let value else { return }
        self.name(name)
        bool(value)
    }

    /// Writes a member that holds any value; nothing at all for `nil`, and `null` for `.null`.
    public mutating func member(_ name: StaticString, json value: JSON?) {
        guard let value else { return }
        self.name(name)
        self.value(value)
    }

    /// Writes all members of an object into the object that is open.
    public mutating func members(_ object: JSONObject) {
        for (name, value) in object {
            self.name(escaping: name)
            self.value(value)
        }
    }
}
