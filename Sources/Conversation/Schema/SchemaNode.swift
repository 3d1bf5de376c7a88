/// One subschema, ready to be evaluated. Others are named by their position in the schema's list of all.
struct SchemaNode: Sendable {
    var rules: [SchemaRule] = []

    /// The subschemas that are put to the same value as this one.
    var inPlace: [Int] { rules.flatMap(\.inPlace) }
}
