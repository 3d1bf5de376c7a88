/// How long a string, an array or an object may be.
struct CountBound: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case minLength, maxLength, minItems, maxItems, minProperties, maxProperties

        var isMinimum: Bool { self == .minLength || self == .minItems || self == .minProperties }
    }

    let kind: Kind
    let limit: Int

    /// Whether a value is long enough or short enough; a value of another type is.
    func admits(_ value: JSON) -> Bool {
        let count: Int
        switch (kind, value) {
        case (.minLength, .string(let text)), (.maxLength, .string(let text)): count = text.unicodeScalars.count
        case (.minItems, .array(let elements)), (.maxItems, .array(let elements)): count = elements.count
        case (.minProperties, .object(let object)), (.maxProperties, .object(let object)): count = object.count
        default: return true
        }
        return kind.isMinimum ? count >= limit : count <= limit
    }

    var phrase: String {
        let noun =
            switch kind {
            case .minLength, .maxLength: "character"
            case .minItems, .maxItems: "element"
            case .minProperties, .maxProperties: "member"
            }
        return "must have at \(kind.isMinimum ? "least" : "most") \(limit) \(noun)\(limit == 1 ? "" : "s")"
    }
}
