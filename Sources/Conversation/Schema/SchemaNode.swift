/// One subschema, ready to be evaluated. Others are named by their position in the schema's list of all.
struct SchemaNode: Sendable {
    var rules: [SchemaRule] = []

    /// Whether nothing is accepted.
    var isFalse: Bool { if case .never = rules.first { true } else { false } }

    /// The subschemas that are put to the same value as this one.
    var inPlace: [Int] { rules.flatMap(\.inPlace) }
}

/// One requirement of a subschema.
enum SchemaRule: Sendable {
    case never
    case types([JSONType])
    case values(AllowedValues)
    case bound(NumberBound)
    case multiple(of: ExactDivisor, literal: String)
    case count(CountBound)
    case pattern(SchemaPattern)
    case required([String])
    case dependentRequired([Dependency<[String]>])
    case dependentSchemas([Dependency<Int>])
    case members(MemberSchemas)
    case propertyNames(Int)
    case elements(ElementSchemas)
    case contains(ContainedElements)
    case uniqueItems
    case reference(Int)
    case all([Int])
    case any([Int])
    case one([Int])
    case not(Int)
    case conditional(condition: Int, then: Int?, otherwise: Int?)

    fileprivate var inPlace: [Int] {
        switch self {
        case .reference(let node), .not(let node): [node]
        case .all(let nodes), .any(let nodes), .one(let nodes): nodes
        case .dependentSchemas(let dependencies): dependencies.map(\.requirement)
        case .conditional(let condition, let then, let otherwise): [condition] + [then, otherwise].compactMap { $0 }
        case .never, .types, .values, .bound, .multiple, .count, .pattern, .required, .dependentRequired, .members,
            .propertyNames, .elements, .contains, .uniqueItems:
            []
        }
    }
}

/// `enum` or `const`.
struct AllowedValues: Sendable {
    let keyword: String
    let values: Set<CanonicalJSON>
    /// The values in words, cut off where there are many.
    let phrase: String
}

/// `minimum`, `maximum` or one of their exclusive forms.
struct NumberBound: Sendable {
    enum Kind: String, Sendable, CaseIterable {
        case minimum, exclusiveMinimum, maximum, exclusiveMaximum
    }

    let kind: Kind
    let limit: ExactDecimal
    let literal: String

    func admits(_ number: ExactDecimal) -> Bool {
        switch kind {
        case .minimum: number >= limit
        case .exclusiveMinimum: number > limit
        case .maximum: number <= limit
        case .exclusiveMaximum: number < limit
        }
    }

    var phrase: String {
        switch kind {
        case .minimum: "must be at least \(literal)"
        case .exclusiveMinimum: "must be more than \(literal)"
        case .maximum: "must be at most \(literal)"
        case .exclusiveMaximum: "must be less than \(literal)"
        }
    }
}

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

/// What holds if an object has a member.
struct Dependency<Requirement: Sendable>: Sendable {
    let name: String
    let requirement: Requirement
}

/// `properties`, `patternProperties` and `additionalProperties`.
struct MemberSchemas: Sendable {
    var named: [ExactName: Int] = [:]
    var patterned: [(pattern: SchemaPattern, node: Int)] = []
    var others: Int?
}

/// `prefixItems` and `items`.
struct ElementSchemas: Sendable {
    var first: [Int] = []
    var others: Int?
}

/// `contains`, `minContains` and `maxContains`.
struct ContainedElements: Sendable {
    let node: Int
    let minimum: Int
    let maximum: Int?
}
