extension JSON {
    /// The value as compact JSON with every object's members in the order of their names, for comparing and showing.
    package var sortedString: String { sorted.serializedString }

    private var sorted: JSON {
        switch self {
        case .object(let object):
            .object(JSONObject(object.sorted { $0.name < $1.name }.map { ($0.name, $0.value.sorted) }))
        case .array(let elements): .array(elements.map(\.sorted))
        case .null, .bool, .number, .string: self
        }
    }
}
