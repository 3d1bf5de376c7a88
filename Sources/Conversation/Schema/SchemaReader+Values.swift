/// Reading what keywords hold.
extension SchemaReader {
    func malformed(_ keyword: String, in place: Place, _ detail: String) -> JSONSchemaError {
        JSONSchemaError(.malformed, place.pointer, keyword, detail)
    }

    func string(_ keyword: String, in place: Place) throws(JSONSchemaError) -> String? {
        guard let value = place.members[keyword] else { return nil }
        guard case .string(let text) = value else { throw malformed(keyword, in: place, "must be a string") }
        return text
    }

    func bool(_ keyword: String, in place: Place) throws(JSONSchemaError) -> Bool? {
        guard let value = place.members[keyword] else { return nil }
        guard case .bool(let flag) = value else { throw malformed(keyword, in: place, "must be true or false") }
        return flag
    }

    func number(_ keyword: String, in place: Place) throws(JSONSchemaError) -> JSONNumber? {
        guard let value = place.members[keyword] else { return nil }
        guard case .number(let number) = value else { throw malformed(keyword, in: place, "must be a number") }
        return number
    }

    func count(_ keyword: String, in place: Place) throws(JSONSchemaError) -> Int? {
        guard let value = place.members[keyword] else { return nil }
        guard let count = value.int, count >= 0 else {
            throw malformed(keyword, in: place, "must be a whole number that is not negative")
        }
        return count
    }

    func strings(_ value: JSON, _ keyword: String, in place: Place) throws(JSONSchemaError) -> [String] {
        let texts = value.arrayValue?.compactMap(\.stringValue)
        guard let texts, texts.count == value.arrayValue?.count else {
            throw malformed(keyword, in: place, "must be an array of strings")
        }
        return texts
    }

    func object(_ keyword: String, in place: Place) throws(JSONSchemaError) -> JSONObject {
        guard let value = place.members[keyword] else { return JSONObject() }
        guard case .object(let object) = value else { throw malformed(keyword, in: place, "must be an object") }
        return object
    }

    func pattern(_ text: String, _ keyword: String, in place: Place) throws(JSONSchemaError) -> SchemaPattern {
        guard let pattern = SchemaPattern(text) else {
            throw JSONSchemaError(
                .unsupported, place.pointer, keyword,
                "holds a regular expression that is malformed, not supported, or longer than "
                    + "\(SchemaPattern.maximumLength) bytes")
        }
        return pattern
    }

    mutating func node(_ keyword: String, in place: Place) throws(JSONSchemaError) -> Int? {
        guard let value = place.members[keyword] else { return nil }
        return try node(value, place.pointer.appending(keyword))
    }

    /// The nodes of a keyword that holds an array of schemas; `nil` if there is no such keyword.
    mutating func listedNodes(_ keyword: String, in place: Place) throws(JSONSchemaError) -> [Int]? {
        guard let value = place.members[keyword] else { return nil }
        guard case .array(let schemas) = value, !schemas.isEmpty else {
            throw malformed(keyword, in: place, "must be an array of at least one schema")
        }
        var nodes: [Int] = []
        let pointer = place.pointer.appending(keyword)
        for (index, schema) in schemas.enumerated() { nodes.append(try node(schema, pointer.appending(index))) }
        return nodes
    }

    /// The nodes of a keyword that holds schemas by name.
    mutating func namedNodes(
        _ keyword: String, in place: Place
    ) throws(JSONSchemaError) -> [(name: String, node: Int)] {
        var nodes: [(name: String, node: Int)] = []
        let pointer = place.pointer.appending(keyword)
        for (name, schema) in try object(keyword, in: place) {
            nodes.append((name, try node(schema, pointer.appending(name))))
        }
        return nodes
    }
}
