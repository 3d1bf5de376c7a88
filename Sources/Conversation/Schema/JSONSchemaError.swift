/// Why a schema cannot be used, and where.
public struct JSONSchemaError: Error, Hashable, CustomStringConvertible {
    /// What a caller may want to tell apart.
    public enum Reason: String, Sendable {
        /// A keyword has a value that it cannot have.
        case malformed = "malformed_schema"
        /// A keyword means something that this library does not support.
        case unsupported = "unsupported_schema"
        /// A reference leads nowhere in the schema.
        case unresolved = "unresolved_schema_reference"
        /// A subschema leads back to itself for the same value, so that validating would never end.
        case circular = "circular_schema_reference"
        /// The schema has too many subschemas, or they are nested too deep.
        case tooLarge = "schema_too_large"
    }

    public let reason: Reason
    /// Where in the schema: a JSON pointer, empty for the whole.
    public let pointer: String
    /// The keyword; empty if it is the subschema as such.
    public let keyword: String
    /// What is wrong with it, in words that follow its name.
    let detail: String

    init(_ reason: Reason, _ pointer: JSONPointer, _ keyword: String, _ detail: String) {
        self.reason = reason
        self.pointer = keyword.isEmpty ? pointer.text : pointer.appending(keyword).text
        self.keyword = keyword
        self.detail = detail
    }

    /// A stable code.
    public var code: String { reason.rawValue }

    public var description: String {
        let subject = keyword.isEmpty ? "The schema" : "The schema's keyword \(keyword)"
        return subject + (pointer.isEmpty ? "" : " at \(pointer)") + " \(detail)."
    }
}
