/// Any JSON value, as it was written: numbers keep their text and objects keep the order of their members.
///
/// Two values are equal when they say the same; the order of an object's members does not count.
public enum JSON: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(JSONNumber)
    case string(String)
    case array([JSON])
    case object(JSONObject)

    /// Parses one JSON text (RFC 8259, strictly: no comments, no trailing commas, no byte order mark).
    ///
    /// Containers may be nested ``maximumDepth`` deep. Of members with the same name the last one wins. An escaped
    /// surrogate without its other half becomes U+FFFD. Bytes that are not UTF-8 are reported as such, whatever else
    /// is wrong with the text.
    public init(parsing bytes: [UInt8]) throws(JSONError) {
        self = try bytes.withUnsafeBufferPointer { (buffer) throws(JSONError) in try JSONParser.parse(buffer) }
    }

    /// Parses one JSON text that stands in memory the caller owns; the memory is not kept. See
    /// ``init(parsing:)-[UInt8]``.
    public init(parsing bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) {
        self = try JSONParser.parse(bytes)
    }

    /// Parses one JSON text. Offsets of errors count UTF-8 bytes.
    public init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// How deep arrays and objects may be nested in a text that is parsed.
    public static let maximumDepth = 256

    /// The value as compact JSON in UTF-8.
    public func serialized() -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }

    /// The value as compact JSON.
    public var serializedString: String { String(decoding: serialized(), as: UTF8.self) }
}

extension JSON {
    /// The text of a string; `nil` for anything else.
    public var stringValue: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The value of a whole number that fits; `nil` for anything else.
    public var int: Int? {
        guard case .number(let value) = self, let whole = value.int64 else { return nil }
        return Int(exactly: whole)
    }

    /// The value of a number, rounded to the nearest double; `nil` for anything else.
    public var double: Double? {
        if case .number(let value) = self { value.double } else { nil }
    }

    /// The value of a boolean; `nil` for anything else.
    public var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    /// The elements of an array; `nil` for anything else.
    public var arrayValue: [JSON]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// The members of an object; `nil` for anything else.
    public var objectValue: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// Whether the value is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The member of that name of an object; `nil` if there is none or the value is not an object.
    public subscript(name: String) -> JSON? { objectValue?[name] }
}

// There is no nil literal on purpose: where a `JSON?` is meant, `nil` would quietly become `.null`.
extension JSON: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(JSONObject(elements)) }

    /// A number; a literal beyond the range of `Double` becomes `null`, as JSON has no infinity.
    public init(floatLiteral value: Double) { self = JSONNumber(value).map { .number($0) } ?? .null }
}

extension JSON: CustomStringConvertible {
    public var description: String { serializedString }
}
