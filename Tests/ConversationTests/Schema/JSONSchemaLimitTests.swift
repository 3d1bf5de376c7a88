import Conversation
import Testing

@Suite("The bounds of a schema")
struct JSONSchemaLimitTests {
    private static func nested(_ depth: Int, in wrap: (JSON) -> JSON) -> JSON {
        (0..<depth).reduce(into: JSON.object([:])) { value, _ in value = wrap(value) }
    }

    @Test("At most twenty violations are reported")
    func manyViolations() throws {
        let schema = try JSONSchema(["items": ["type": "string"]])
        #expect(schema.validate(.array(Array(repeating: 1, count: 20))).count == 20)
        let violations = schema.validate(.array(Array(repeating: 1, count: 10_000)))
        #expect(violations.map(\.pointer) == (0..<JSONSchema.maximumViolations).map { "/\($0)" })
    }

    @Test("A value that takes too much work does not keep to the schema")
    func work() throws {
        // Each level asks the next one twice: 2^60 in all.
        var definitions = ["d60": ["type": "null"]] as JSONObject
        for level in 0..<60 {
            let next: JSON = ["$ref": .string("#/$defs/d\(level + 1)")]
            definitions["d\(level)"] = ["allOf": [next, next]]
        }
        let schema = try JSONSchema(["$defs": .object(definitions), "$ref": "#/$defs/d0"])
        #expect(schema.validate(.null).last?.description.contains("takes too long") == true)
        let opposite = try JSONSchema(["$defs": .object(definitions), "not": ["$ref": "#/$defs/d0"]])
        #expect(!opposite.validate(.null).isEmpty, "a limit must not turn a no into a yes")
    }

    @Test("A value may be nested until the subschemas in force are too many; then it is refused")
    func depth() throws {
        let schema = try JSONSchema(["properties": ["a": ["allOf": [["$ref": "#"]]]]])
        // The whole value is under one subschema, and each level adds three.
        let deepest = (JSONSchema.maximumDepth - 1) / 3
        #expect(schema.validate(Self.nested(deepest) { ["a": $0] }) == [])
        let tooDeep = schema.validate(Self.nested(deepest + 1) { ["a": $0] })
        #expect(tooDeep.map(\.keyword) == [""])
        #expect(tooDeep.first?.description == "The value is nested too deep to be validated.")
    }

    @Test("A schema with too many or too deeply nested subschemas is refused")
    func size() throws {
        let many = JSON.object(["prefixItems": .array(Array(repeating: true, count: 10_000))])
        #expect(throws: JSONSchemaError.self) { try JSONSchema(many) }
        _ = try JSONSchema(["prefixItems": .array(Array(repeating: true, count: 9_999))])
        _ = try JSONSchema(Self.nested(128) { ["items": $0] })
        let error = try #require(throws: JSONSchemaError.self) {
            try JSONSchema(Self.nested(129) { ["items": $0] })
        }
        #expect(error.reason == .tooLarge)
    }

    @Test("A long chain of references is followed to its end")
    func chain() throws {
        var definitions = ["d200": ["type": "null"]] as JSONObject
        for level in 0..<200 { definitions["d\(level)"] = ["$ref": .string("#/$defs/d\(level + 1)")] }
        let schema = try JSONSchema(["$defs": .object(definitions), "$ref": "#/$defs/d0"])
        #expect(schema.validate(.null) == [])
        #expect(schema.validate(1).map(\.keyword) == ["type"])
    }

    @Test("Large values are validated in proportion to their size", .timeLimit(.minutes(1)))
    func large() throws {
        let schema = try JSONSchema([
            "uniqueItems": true, "contains": ["const": -1],
            "items": ["type": "integer", "minimum": -1, "multipleOf": 1],
        ])
        var elements = (0..<50_000).map { JSON.number(JSONNumber($0)) }
        elements.append(-1)
        let time = ContinuousClock().measure { #expect(schema.validate(.array(elements)) == []) }
        #expect(time < .seconds(20))
    }

    /// A value that is likely to be a schema, and not always a sound one.
    private static func schema(_ random: inout SeededRandom, depth: Int = 3) -> JSON {
        if random.oneIn(12) { return random.json() }
        if depth == 0 || random.oneIn(8) { return .bool(!random.oneIn(4)) }
        var members: [String: JSON] = [:]
        func list(_ random: inout SeededRandom) -> JSON {
            .array((0..<random.below(3)).map { _ in schema(&random, depth: depth - 1) })
        }
        func named(_ random: inout SeededRandom) -> JSON {
            .object(
                JSONObject(
                    (0..<random.below(3)).map { _ in
                        (random.pick(["a", "b", "x", "^x"]), schema(&random, depth: depth - 1))
                    }))
        }
        for _ in 0..<(1 + random.below(3)) {
            switch random.below(12) {
            case 0: members["type"] = .string(random.pick(["object", "array", "string", "number", "integer", "null"]))
            case 1: members[random.pick(["enum", "examples"])] = .array((0..<3).map { _ in random.json(depth: 1) })
            case 2: members[random.pick(["minimum", "maximum", "exclusiveMinimum", "multipleOf"])] = random.number()
            case 3:
                members[random.pick(["minLength", "maxItems", "minProperties"])] = .number(JSONNumber(random.below(4)))
            case 4: members["pattern"] = .string(random.pick(["^a", "[", "(a|b)*c", "\\d", ""]))
            case 5: members[random.pick(["allOf", "anyOf", "oneOf", "prefixItems"])] = list(&random)
            case 6:
                members[random.pick(["properties", "patternProperties", "$defs", "dependentSchemas"])] = named(&random)
            case 7, 8:
                let keyword = random.pick(["items", "additionalProperties", "not", "if", "then", "else", "contains"])
                members[keyword] = schema(&random, depth: depth - 1)
            case 9:
                members["$ref"] = .string(random.pick(["#", "#/$defs/a", "#/$defs/b", "#/properties/a", "#/items"]))
            case 10: members[random.pick(["const", "required", "uniqueItems", "minContains"])] = random.json(depth: 1)
            default: members["propertyNames"] = schema(&random, depth: depth - 1)
            }
        }
        return .object(JSONObject(members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }))
    }

    private static func value(_ random: inout SeededRandom, depth: Int = 3) -> JSON {
        switch random.below(depth > 0 ? 5 : 3) {
        case 0: return random.json(depth: 1)
        case 1: return .string(random.pick(["", "a", "ab", "abc", "1"]))
        case 2: return random.number()
        case 3: return .array((0..<random.below(4)).map { _ in value(&random, depth: depth - 1) })
        default:
            return .object(
                JSONObject(
                    (0..<random.below(4)).map { _ in
                        (random.pick(["a", "b", "x"]), value(&random, depth: depth - 1))
                    }))
        }
    }

    @Test("No schema and no value trap, and what a schema refuses its opposite accepts", arguments: UInt64(0)..<40)
    func fuzz(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var read = 0
        for _ in 0..<60 {
            let json = Self.schema(&random)
            guard let schema = try? JSONSchema(json) else { continue }
            read += 1
            // Pointers of references are pointers into the whole, so the opposite is asked by hand.
            let hasReferences = json.serializedString.contains("$ref")
            for _ in 0..<8 {
                let value = Self.value(&random)
                let comment = Comment(rawValue: "seed \(seed): \(json) with \(value)")
                let violations = schema.validate(value)
                #expect(violations == schema.validate(value), comment)
                #expect(violations.allSatisfy { $0.description.hasSuffix(".") }, comment)
                guard !hasReferences else { continue }
                #expect(try JSONSchema(["not": json]).validate(value).isEmpty != violations.isEmpty, comment)
                #expect(
                    try JSONSchema(["anyOf": [json, false]]).validate(value).isEmpty == violations.isEmpty, comment)
            }
        }
        #expect(read > 0, Comment(rawValue: "seed \(seed)"))
    }
}
