/// A JSON Schema, such as a tool declares for its input, and whether a value keeps to it.
///
/// The part of draft 2020-12 that such schemas use: `type`, `enum`, `const`, the keywords for numbers, strings, arrays
/// and objects, `allOf`, `anyOf`, `oneOf`, `not`, `if`, `dependentSchemas`, and `$ref` to a place in the same schema
/// (`#`, `#/$defs/NAME`, `#/definitions/NAME`, or any other pointer to a subschema). Annotations, `format` among them,
/// and unknown keywords are ignored, as the standard says. What would change the answer and is not supported is refused
/// when the schema is read, so that a schema never accepts what it says it refuses: `unevaluatedProperties`,
/// `unevaluatedItems`, and every other keyword that begins with `$`.
///
/// Numbers are compared by all their digits, strings and names by their Unicode scalars. A `pattern` is read as Swift's
/// `Regex` reads it, with `\d` and `\w` for ASCII only; one that cannot be read is refused.
///
/// Reading takes time in proportion to the schema, and validating is bounded (``maximumWork``); a pattern that
/// backtracks without end is not, so take schemas only from those you trust as much as your own code.
public struct JSONSchema: Sendable {
    /// The schema as it was given.
    public let json: JSON
    private let nodes: [SchemaNode]

    /// The most violations that ``validate(_:)`` reports, besides the one that a limit was reached.
    public static let maximumViolations = 20

    /// How many steps validating may take; a step is a subschema on a value, or some bytes of a value that is compared.
    public static let maximumWork = 2_000_000

    /// How many subschemas may be in force inside each other, on the way from the whole value to a part of it. Each takes
    /// its share of the stack.
    public static let maximumDepth = 256

    /// Reads a schema.
    ///
    /// - Throws: If a keyword has a value that it cannot have or is not supported here, if a reference leads nowhere or
    ///   back to itself without consuming anything, or if the schema is too large.
    public init(_ json: JSON) throws(JSONSchemaError) {
        self.json = json
        nodes = try SchemaReader.read(json)
    }

    /// In what the value does not keep to the schema: empty if it does, and only then.
    ///
    /// In the order of the value, at most ``maximumViolations``. A value that takes more than ``maximumWork``, or that is
    /// nested deeper than ``maximumDepth`` allows, does not keep to it.
    public func validate(_ value: JSON) -> [JSONSchemaViolation] {
        var evaluation = SchemaEvaluation(nodes: nodes)
        return evaluation.violations(of: value)
    }

    /// What ``validate(_:)`` has against the value, in words; `nil` if nothing.
    public func objection(to value: JSON) -> String? {
        let violations = validate(value)
        return violations.isEmpty ? nil : violations.map(\.description).joined(separator: "; ")
    }
}

extension JSONSchema: Hashable {
    public static func == (one: JSONSchema, other: JSONSchema) -> Bool { one.json == other.json }
    public func hash(into hasher: inout Hasher) { hasher.combine(json) }
}

extension JSONSchema: CustomStringConvertible {
    public var description: String { json.serializedString }
}
