/// One thing in which a value does not keep to a schema.
///
/// Its sentence quotes the schema and names members, but never the values that were found, so that it can be told to
/// a model and to a log.
public struct JSONSchemaViolation: Sendable, Hashable, CustomStringConvertible {
    /// Where in the value: a JSON pointer, empty for the whole.
    public let pointer: String
    /// The keyword that is not kept to; empty where the whole schema is `false`, or where a limit was reached.
    public let keyword: String
    /// What is wrong with it, in words that follow its place.
    let detail: String

    /// One sentence, such as `The value at /days must be at most 14.`
    public var description: String {
        "The value" + (pointer.isEmpty ? "" : " at \(pointer)") + " \(detail)."
    }
}
