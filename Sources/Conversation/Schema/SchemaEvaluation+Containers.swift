/// The rules for objects and arrays.
extension SchemaEvaluation {
    mutating func members(of object: JSONObject, obey rule: SchemaRule) -> Bool {
        switch rule {
        case .required(let names): return has(names, object, "required")
        case .dependentRequired(let dependencies):
            var isObeyed = true
            for dependency in dependencies where object[dependency.name] != nil {
                let isComplete = has(dependency.requirement, object, "dependentRequired")
                isObeyed = isComplete && isObeyed
            }
            return isObeyed
        case .dependentSchemas(let dependencies):
            var isObeyed = true
            for dependency in dependencies where object[dependency.name] != nil {
                let isAccepted = accepts(.object(object), dependency.requirement, under: "dependentSchemas")
                isObeyed = isAccepted && isObeyed
                if !isObeyed && isDecided { break }
            }
            return isObeyed
        case .members(let schemas): return members(of: object, keepTo: schemas)
        case .propertyNames(let node): return names(of: object, keepTo: node)
        default: return true
        }
    }

    private mutating func has(_ names: [String], _ object: JSONObject, _ keyword: String) -> Bool {
        guard spend(names.count) else { return false }
        var isComplete = true
        for name in names where object[name] == nil {
            isComplete = violates(keyword, "lacks the member \(JSON.string(name))")
            if isDecided { break }
        }
        return isComplete
    }

    private mutating func members(of object: JSONObject, keepTo schemas: MemberSchemas) -> Bool {
        var isObeyed = true
        for (name, value) in object {
            guard spend(1 + schemas.patterned.count) else { return false }
            var isKnown = false
            if let node = schemas.named[ExactName(text: name)] {
                isKnown = true
                if !acceptsMember(name, value, node, under: "properties") { isObeyed = false }
            }
            for (pattern, node) in schemas.patterned where pattern.occurs(in: name) {
                isKnown = true
                if !acceptsMember(name, value, node, under: "patternProperties") { isObeyed = false }
            }
            if !isKnown, let node = schemas.others,
                !acceptsMember(name, value, node, under: "additionalProperties")
            {
                isObeyed = false
            }
            if !isObeyed && isDecided { break }
        }
        return isObeyed
    }

    private mutating func names(of object: JSONObject, keepTo node: Int) -> Bool {
        var isObeyed = true
        for name in object.names where !wouldAccept(.string(name), node) {
            isObeyed = violates("propertyNames", "has the member \(JSON.string(name)), whose name is not allowed")
            if isDecided { break }
        }
        return isObeyed
    }

    mutating func elements(_ elements: [JSON], obey rule: SchemaRule) -> Bool {
        switch rule {
        case .elements(let schemas): return self.elements(elements, keepTo: schemas)
        case .contains(let contained): return contains(contained, elements)
        case .uniqueItems:
            var seen: Set<CanonicalJSON> = []
            for element in elements {
                let canonical = CanonicalJSON(element)
                guard spend(1 + canonical.bytes.count / 16) else { return false }
                guard seen.insert(canonical).inserted else {
                    return violates("uniqueItems", "must not hold an element twice")
                }
            }
            return true
        default: return true
        }
    }

    private mutating func elements(_ elements: [JSON], keepTo schemas: ElementSchemas) -> Bool {
        var isObeyed = true
        for (index, element) in elements.enumerated() {
            if index < schemas.first.count {
                if !acceptsElement(index, element, schemas.first[index], under: "prefixItems") { isObeyed = false }
            } else {
                guard let node = schemas.others else { break }
                if !acceptsElement(index, element, node, under: "items") { isObeyed = false }
            }
            if !isObeyed && isDecided { break }
        }
        return isObeyed
    }

    private mutating func contains(_ contained: ContainedElements, _ elements: [JSON]) -> Bool {
        var count = 0
        for element in elements where wouldAccept(element, contained.node) {
            count += 1
            if count > contained.maximum ?? .max || (contained.maximum == nil && count >= contained.minimum) { break }
        }
        let noun = "elements of the kind that the schema names"
        if count < contained.minimum {
            return violates("contains", "must contain at least \(contained.minimum) \(noun)")
        }
        guard let maximum = contained.maximum, count > maximum else { return true }
        return violates("maxContains", "must contain at most \(maximum) \(noun)")
    }
}
