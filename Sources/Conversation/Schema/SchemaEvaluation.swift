/// One value put to a schema.
struct SchemaEvaluation {
    let nodes: [SchemaNode]
    private var violations: [JSONSchemaViolation] = []
    /// The way to the value at hand.
    private var path: [Step] = []
    /// How many questions are being asked whose answer is no violation in itself, such as an alternative of `anyOf`.
    private var silence = 0
    private var depth = 0
    private var work = 0
    /// The limit that was reached, in words. What is asked after that is answered with no, at once.
    private var reachedLimit: String?

    private enum Step {
        case member(String)
        case element(Int)
    }

    init(nodes: [SchemaNode]) { self.nodes = nodes }

    mutating func violations(of value: JSON) -> [JSONSchemaViolation] {
        _ = accepts(value, 0, under: "")
        if let reachedLimit {
            violations.append(JSONSchemaViolation(pointer: "", keyword: "", detail: reachedLimit))
        }
        return violations
    }

    /// Whether nothing more needs to be asked once something was answered with no.
    var isDecided: Bool {
        silence > 0 || reachedLimit != nil || violations.count >= JSONSchema.maximumViolations
    }

    /// Whether the value keeps to a subschema, with a violation for all in which it does not.
    mutating func accepts(_ value: JSON, _ node: Int, under keyword: String) -> Bool {
        guard spend(1) else { return false }
        guard depth < JSONSchema.maximumDepth else {
            reachedLimit = "is nested too deep to be validated"
            return false
        }
        depth += 1
        defer { depth -= 1 }
        var isAccepted = true
        for rule in nodes[node].rules where !obeys(value, rule, under: keyword) {
            isAccepted = false
            if isDecided { break }
        }
        return isAccepted && reachedLimit == nil
    }

    /// Whether the value keeps to a subschema, without a violation if it does not.
    mutating func wouldAccept(_ value: JSON, _ node: Int) -> Bool {
        silence += 1
        defer { silence -= 1 }
        return accepts(value, node, under: "")
    }

    mutating func acceptsMember(_ name: String, _ value: JSON, _ node: Int, under keyword: String) -> Bool {
        path.append(.member(name))
        defer { path.removeLast() }
        return accepts(value, node, under: keyword)
    }

    mutating func acceptsElement(_ index: Int, _ value: JSON, _ node: Int, under keyword: String) -> Bool {
        path.append(.element(index))
        defer { path.removeLast() }
        return accepts(value, node, under: keyword)
    }

    /// Whether there is work left to spend.
    mutating func spend(_ steps: Int) -> Bool {
        work += steps
        if work > JSONSchema.maximumWork { reachedLimit = "takes too long to be validated against this schema" }
        return reachedLimit == nil
    }

    /// Notes a violation, where one is asked for; always the answer no.
    mutating func violates(_ keyword: String, _ detail: @autoclosure () -> String) -> Bool {
        if !isDecided {
            var pointer = JSONPointer()
            for step in path {
                switch step {
                case .member(let name): pointer = pointer.appending(name)
                case .element(let index): pointer = pointer.appending(index)
                }
            }
            violations.append(JSONSchemaViolation(pointer: pointer.text, keyword: keyword, detail: detail()))
        }
        return false
    }

    private mutating func obeys(_ value: JSON, _ rule: SchemaRule, under keyword: String) -> Bool {
        switch rule {
        case .never: return violates(keyword, "is not allowed")
        case .types(let types):
            let phrases = types.map(\.phrase).joined(separator: " or ")
            return types.contains { $0.includes(value) } || violates("type", "must be \(phrases)")
        case .values(let allowed): return isAmong(allowed, value)
        case .bound, .multiple: return number(value, obeys: rule)
        case .count(let bound): return bound.admits(value) || violates(bound.kind.rawValue, bound.phrase)
        case .pattern(let pattern):
            guard case .string(let text) = value, spend(text.utf8.count / 64) else { return true }
            return pattern.occurs(in: text) || violates("pattern", "must match the pattern \(pattern.text)")
        case .required, .dependentRequired, .dependentSchemas, .members, .propertyNames:
            guard case .object(let object) = value else { return true }
            return members(of: object, obey: rule)
        case .elements, .contains, .uniqueItems:
            guard case .array(let elements) = value else { return true }
            return self.elements(elements, obey: rule)
        case .reference(let node): return accepts(value, node, under: keyword)
        case .all, .any, .one, .not, .conditional: return combination(rule, admits: value)
        }
    }

    private mutating func isAmong(_ allowed: AllowedValues, _ value: JSON) -> Bool {
        let canonical = CanonicalJSON(value)
        guard spend(canonical.bytes.count / 16) else { return false }
        return allowed.values.contains(canonical) || violates(allowed.keyword, allowed.phrase)
    }

    private mutating func number(_ value: JSON, obeys rule: SchemaRule) -> Bool {
        guard case .number(let number) = value else { return true }
        let decimal = ExactDecimal(number)
        switch rule {
        case .bound(let bound): return bound.admits(decimal) || violates(bound.kind.rawValue, bound.phrase)
        case .multiple(let divisor, let literal):
            return divisor.divides(decimal) || violates("multipleOf", "must be a multiple of \(literal)")
        default: return true
        }
    }
}
