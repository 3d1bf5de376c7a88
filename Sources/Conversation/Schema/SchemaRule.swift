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

    /// The subschemas that are put to the same value as the rule's own.
    var inPlace: [Int] {
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
