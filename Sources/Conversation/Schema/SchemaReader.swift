/// Turns a schema into nodes, and refuses what is wrong with it or is not supported.
struct SchemaReader {
    private(set) var nodes: [SchemaNode] = []
    /// The node of each place of the schema that holds a subschema.
    private var places: [ExactName: Int] = [:]
    private var references: [Reference] = []

    private struct Reference {
        let node: Int
        let target: String
        let pointer: JSONPointer
    }

    /// One subschema while it is read.
    struct Place {
        let members: JSONObject
        let pointer: JSONPointer
    }

    private static let maximumNodes = 10_000
    /// Counted in steps of a pointer: a subschema takes one or two.
    private static let maximumDepth = 128

    /// The nodes of a schema, the whole schema first.
    static func read(_ json: JSON) throws(JSONSchemaError) -> [SchemaNode] {
        var reader = SchemaReader()
        _ = try reader.node(json, JSONPointer())
        let pointers = try reader.resolveReferences()
        try refuseCircles(in: reader.nodes, pointers: pointers)
        return reader.nodes
    }

    /// Reads the subschema at a place, and returns its position among the nodes.
    mutating func node(_ json: JSON, _ pointer: JSONPointer) throws(JSONSchemaError) -> Int {
        guard nodes.count < Self.maximumNodes else {
            throw JSONSchemaError(.tooLarge, pointer, "", "has more than \(Self.maximumNodes) subschemas")
        }
        guard pointer.depth <= Self.maximumDepth else {
            throw JSONSchemaError(.tooLarge, pointer, "", "is nested too deep")
        }
        let position = nodes.count
        nodes.append(SchemaNode())
        places[ExactName(text: pointer.text)] = position
        switch json {
        case .bool(true): break
        case .bool(false): nodes[position].rules = [.never]
        case .object(let members):
            let place = Place(members: members, pointer: pointer)
            try refuseUnsupported(in: place)
            // Only then is the node complete, because reading its subschemas appends to the nodes.
            let rules = try rules(of: place)
            nodes[position].rules = rules
            if let target = try string("$ref", in: place) {
                references.append(Reference(node: position, target: target, pointer: pointer))
            }
        default: throw JSONSchemaError(.malformed, pointer, "", "must be an object, true or false")
        }
        return position
    }

    private func refuseUnsupported(in place: Place) throws(JSONSchemaError) {
        for name in place.members.names {
            switch name {
            case "$ref", "$defs", "$schema", "$comment": continue
            case "$id" where place.pointer.depth == 0: continue
            case "$id":
                throw JSONSchemaError(.unsupported, place.pointer, name, "is supported for the whole schema only")
            case "unevaluatedProperties", "unevaluatedItems": break
            case _ where name.hasPrefix("$"): break
            default: continue
            }
            throw JSONSchemaError(.unsupported, place.pointer, name, "is not supported")
        }
    }

    private mutating func rules(of place: Place) throws(JSONSchemaError) -> [SchemaRule] {
        var rules = try typeRules(of: place)
        rules += try numberRules(of: place)
        rules += try stringRules(of: place)
        rules += try arrayRules(of: place)
        rules += try objectRules(of: place)
        rules += try combinations(of: place)
        _ = try namedNodes("$defs", in: place)
        _ = try namedNodes("definitions", in: place)
        return rules
    }

    private mutating func resolveReferences() throws(JSONSchemaError) -> [JSONPointer?] {
        var pointers = [JSONPointer?](repeating: nil, count: nodes.count)
        for reference in references {
            pointers[reference.node] = reference.pointer
            guard reference.target.hasPrefix("#") else {
                throw JSONSchemaError(
                    .unsupported, reference.pointer, "$ref", "must lead to a place in the same schema")
            }
            let fragment = String(reference.target.dropFirst())
            guard fragment.isEmpty || fragment.hasPrefix("/") else {
                throw JSONSchemaError(.unsupported, reference.pointer, "$ref", "must be a JSON pointer, not an anchor")
            }
            guard let decoded = Self.percentDecoded(fragment), let target = places[ExactName(text: decoded)] else {
                throw JSONSchemaError(.unresolved, reference.pointer, "$ref", "leads to no subschema")
            }
            nodes[reference.node].rules.append(.reference(target))
        }
        return pointers
    }

    /// A pointer as it stands in the fragment of a URI; `nil` if it is malformed there.
    private static func percentDecoded(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return text }
        var decoded: [UInt8] = []
        var units = text.utf8.makeIterator()
        while let unit = units.next() {
            guard unit == UInt8(ascii: "%") else {
                decoded.append(unit)
                continue
            }
            guard let high = units.next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue }),
                let low = units.next().flatMap({ Character(Unicode.Scalar($0)).hexDigitValue })
            else { return nil }
            decoded.append(UInt8(high << 4 | low))
        }
        return String(validating: decoded, as: UTF8.self)
    }

    /// Refuses a schema that puts the same value to the same subschema again. Every such circle goes through a
    /// reference.
    private static func refuseCircles(
        in nodes: [SchemaNode], pointers: [JSONPointer?]
    ) throws(JSONSchemaError) {
        var unfinished = nodes.map { $0.inPlace.count }
        var users = [[Int]](repeating: [], count: nodes.count)
        for (position, node) in nodes.enumerated() {
            for target in node.inPlace { users[target].append(position) }
        }
        // What depends on nothing is taken away until nothing is left, or only what depends on a circle.
        var finished = unfinished.indices.filter { unfinished[$0] == 0 }
        while let position = finished.popLast() {
            for user in users[position] {
                unfinished[user] -= 1
                if unfinished[user] == 0 { finished.append(user) }
            }
        }
        guard let start = unfinished.indices.first(where: { unfinished[$0] > 0 }) else { return }
        let pointer = firstReference(from: start, nodes: nodes, unfinished: unfinished, pointers: pointers)
        throw JSONSchemaError(.circular, pointer, "$ref", "leads back to itself for the same value")
    }

    /// A reference on the circle that `start` leads to.
    private static func firstReference(
        from start: Int, nodes: [SchemaNode], unfinished: [Int], pointers: [JSONPointer?]
    ) -> JSONPointer {
        var position = start
        // After as many steps as there are nodes the walk is on the circle.
        for step in 0..<(2 * nodes.count) {
            if step >= nodes.count, let pointer = pointers[position] { return pointer }
            guard let next = nodes[position].inPlace.first(where: { unfinished[$0] > 0 }) else { break }
            position = next
        }
        return JSONPointer()
    }
}
