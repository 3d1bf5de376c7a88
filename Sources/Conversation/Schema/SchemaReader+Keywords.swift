/// The rules that the keywords of one subschema make.
extension SchemaReader {
    func typeRules(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        if let value = place.members["type"] {
            let list = if case .string = value { JSON.array([value]) } else { value }
            let names = try strings(list, "type", in: place)
            let types = names.compactMap(JSONType.init(rawValue:))
            guard !types.isEmpty, types.count == names.count else {
                let known = JSONType.allCases.map(\.rawValue).joined(separator: ", ")
                throw malformed("type", in: place, "must be one or several of: \(known)")
            }
            rules.append(.types(types))
        }
        if let value = place.members["enum"] {
            guard case .array(let values) = value else { throw malformed("enum", in: place, "must be an array") }
            rules.append(.values(AllowedValues("enum", values)))
        }
        if let value = place.members["const"] { rules.append(.values(AllowedValues("const", [value]))) }
        return rules
    }

    func numberRules(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        for kind in NumberBound.Kind.allCases {
            guard let limit = try number(kind.rawValue, in: place) else { continue }
            rules.append(.bound(NumberBound(kind: kind, limit: ExactDecimal(limit), literal: limit.literal)))
        }
        if let number = try number("multipleOf", in: place) {
            guard let divisor = ExactDivisor(ExactDecimal(number)) else {
                throw malformed(
                    "multipleOf", in: place,
                    "must be a positive number of at most \(ExactDivisor.maximumDigits) digits")
            }
            rules.append(.multiple(of: divisor, literal: number.literal))
        }
        return rules
    }

    func stringRules(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        // The lengths of arrays and objects are read here too: they are the same rule.
        for kind in CountBound.Kind.allCases {
            guard let limit = try count(kind.rawValue, in: place) else { continue }
            rules.append(.count(CountBound(kind: kind, limit: limit)))
        }
        if let text = try string("pattern", in: place) {
            rules.append(.pattern(try pattern(text, "pattern", in: place)))
        }
        return rules
    }

    mutating func arrayRules(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        if case .array = place.members["items"] {
            throw malformed("items", in: place, "must be one schema; a list of them is called prefixItems")
        }
        let elements = ElementSchemas(
            first: try listedNodes("prefixItems", in: place) ?? [], others: try node("items", in: place))
        if !elements.first.isEmpty || elements.others != nil { rules.append(.elements(elements)) }
        let (minimum, maximum) = (try count("minContains", in: place), try count("maxContains", in: place))
        if let node = try node("contains", in: place) {
            rules.append(.contains(ContainedElements(node: node, minimum: minimum ?? 1, maximum: maximum)))
        }
        if try bool("uniqueItems", in: place) == true { rules.append(.uniqueItems) }
        return rules
    }

    mutating func objectRules(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        if let value = place.members["required"] {
            rules.append(.required(try strings(value, "required", in: place)))
        }
        var dependencies: [Dependency<[String]>] = []
        for (name, value) in try object("dependentRequired", in: place) {
            let names = try strings(value, "dependentRequired", in: place)
            dependencies.append(Dependency(name: name, requirement: names))
        }
        if !dependencies.isEmpty { rules.append(.dependentRequired(dependencies)) }
        if let members = try memberSchemas(of: place) { rules.append(.members(members)) }
        if let node = try node("propertyNames", in: place) { rules.append(.propertyNames(node)) }
        let schemas = try namedNodes("dependentSchemas", in: place)
        if !schemas.isEmpty {
            rules.append(.dependentSchemas(schemas.map { Dependency(name: $0.name, requirement: $0.node) }))
        }
        return rules
    }

    private mutating func memberSchemas(of place: Place) throws(JSONSchemaError) -> MemberSchemas? {
        var members = MemberSchemas()
        for (name, node) in try namedNodes("properties", in: place) { members.named[ExactName(text: name)] = node }
        for (text, node) in try namedNodes("patternProperties", in: place) {
            members.patterned.append((try pattern(text, "patternProperties", in: place), node))
        }
        members.others = try node("additionalProperties", in: place)
        let isEmpty = members.named.isEmpty && members.patterned.isEmpty && members.others == nil
        return isEmpty ? nil : members
    }

    mutating func combinations(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules: [SchemaRule] = []
        if let nodes = try listedNodes("allOf", in: place) { rules.append(.all(nodes)) }
        if let nodes = try listedNodes("anyOf", in: place) { rules.append(.any(nodes)) }
        if let nodes = try listedNodes("oneOf", in: place) { rules.append(.one(nodes)) }
        if let node = try node("not", in: place) { rules.append(.not(node)) }
        let (then, otherwise) = (try node("then", in: place), try node("else", in: place))
        if let condition = try node("if", in: place) {
            rules.append(.conditional(condition: condition, then: then, otherwise: otherwise))
        }
        return rules
    }
}
