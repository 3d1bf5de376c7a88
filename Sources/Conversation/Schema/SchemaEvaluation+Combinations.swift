/// The rules that combine subschemas.
extension SchemaEvaluation {
    mutating func combination(_ rule: SchemaRule, admits value: JSON) -> Bool {
        switch rule {
        case .all(let nodes):
            var isAccepted = true
            for node in nodes where !accepts(value, node, under: "allOf") {
                isAccepted = false
                if isDecided { break }
            }
            return isAccepted
        case .any(let nodes): return isOneOf(nodes, value)
        case .one(let nodes): return isExactlyOne(of: nodes, value)
        case .not(let node):
            return !wouldAccept(value, node) || violates("not", "must not be what the schema excludes")
        case .conditional(let condition, let then, let otherwise):
            let holds = wouldAccept(value, condition)
            guard let node = holds ? then : otherwise else { return true }
            return accepts(value, node, under: holds ? "then" : "else")
        default: return true
        }
    }

    private mutating func isOneOf(_ nodes: [Int], _ value: JSON) -> Bool {
        // With a single way to be right its violations say more than that there is none.
        if nodes.count == 1, let node = nodes.first { return accepts(value, node, under: "anyOf") }
        for node in nodes where wouldAccept(value, node) { return true }
        return violates("anyOf", "must match at least one of \(nodes.count) alternatives, and matches none")
    }

    private mutating func isExactlyOne(of nodes: [Int], _ value: JSON) -> Bool {
        var matches = 0
        for node in nodes where wouldAccept(value, node) {
            matches += 1
            if matches > 1 { break }
        }
        guard matches != 1 else { return true }
        let found = matches == 0 ? "none" : "more"
        return violates("oneOf", "must match exactly one of \(nodes.count) alternatives, and matches \(found)")
    }
}
