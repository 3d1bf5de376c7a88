import Conversation
import Testing

@Suite("Schemas")
struct JSONSchemaTests {
    private static func schema(_ text: String) throws -> JSONSchema { try JSONSchema(JSON(parsing: text)) }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let schema: String
        let reason: JSONSchemaError.Reason
        let pointer: String
        let keyword: String
        var testDescription: String { schema }

        init(_ schema: String, _ reason: JSONSchemaError.Reason, _ pointer: String, _ keyword: String) {
            self.schema = schema
            self.reason = reason
            self.pointer = pointer
            self.keyword = keyword
        }
    }

    static let refusals: [Refusal] = [
        Refusal("1", .malformed, "", ""),
        Refusal("null", .malformed, "", ""),
        Refusal(#"{"type":"text"}"#, .malformed, "/type", "type"),
        Refusal(#"{"type":[]}"#, .malformed, "/type", "type"),
        Refusal(#"{"type":["string",1]}"#, .malformed, "/type", "type"),
        Refusal(#"{"enum":1}"#, .malformed, "/enum", "enum"),
        Refusal(#"{"minimum":"1"}"#, .malformed, "/minimum", "minimum"),
        Refusal(#"{"exclusiveMinimum":true}"#, .malformed, "/exclusiveMinimum", "exclusiveMinimum"),
        Refusal(#"{"multipleOf":0}"#, .malformed, "/multipleOf", "multipleOf"),
        Refusal(#"{"multipleOf":-1}"#, .malformed, "/multipleOf", "multipleOf"),
        Refusal(#"{"multipleOf":1234567890123456789}"#, .malformed, "/multipleOf", "multipleOf"),
        Refusal(#"{"minLength":-1}"#, .malformed, "/minLength", "minLength"),
        Refusal(#"{"maxItems":1.5}"#, .malformed, "/maxItems", "maxItems"),
        Refusal(#"{"maxItems":1e400}"#, .malformed, "/maxItems", "maxItems"),
        Refusal(#"{"uniqueItems":1}"#, .malformed, "/uniqueItems", "uniqueItems"),
        Refusal(#"{"required":"a"}"#, .malformed, "/required", "required"),
        Refusal(#"{"required":[1]}"#, .malformed, "/required", "required"),
        Refusal(#"{"dependentRequired":{"a":[1]}}"#, .malformed, "/dependentRequired", "dependentRequired"),
        Refusal(#"{"properties":[]}"#, .malformed, "/properties", "properties"),
        Refusal(
            #"{"properties":{"a/b":{"x":{},"items":{"type":1}}}}"#, .malformed, "/properties/a~1b/items/type", "type"),
        Refusal(#"{"items":[{}]}"#, .malformed, "/items", "items"),
        Refusal(#"{"allOf":[]}"#, .malformed, "/allOf", "allOf"),
        Refusal(#"{"anyOf":[{},1]}"#, .malformed, "/anyOf/1", ""),
        Refusal(#"{"then":1}"#, .malformed, "/then", ""),
        Refusal(#"{"$defs":{"a":1}}"#, .malformed, "/$defs/a", ""),
        Refusal(#"{"pattern":"["}"#, .unsupported, "/pattern", "pattern"),
        Refusal(#"{"pattern":"(?<=a)b"}"#, .unsupported, "/pattern", "pattern"),
        Refusal(#"{"patternProperties":{"(":{}}}"#, .unsupported, "/patternProperties", "patternProperties"),
        Refusal(
            ##"{"properties":{"a":{"$dynamicRef":"#a"}}}"##, .unsupported, "/properties/a/$dynamicRef", "$dynamicRef"),
        Refusal(#"{"$anchor":"a"}"#, .unsupported, "/$anchor", "$anchor"),
        Refusal(#"{"$vocabulary":{}}"#, .unsupported, "/$vocabulary", "$vocabulary"),
        Refusal(#"{"$data":1}"#, .unsupported, "/$data", "$data"),
        Refusal(#"{"items":{"$id":"other"}}"#, .unsupported, "/items/$id", "$id"),
        Refusal(#"{"unevaluatedProperties":false}"#, .unsupported, "/unevaluatedProperties", "unevaluatedProperties"),
        Refusal(#"{"not":{"unevaluatedItems":false}}"#, .unsupported, "/not/unevaluatedItems", "unevaluatedItems"),
        Refusal(#"{"$ref":"https://example.com/s"}"#, .unsupported, "/$ref", "$ref"),
        Refusal(##"{"$ref":"#name"}"##, .unsupported, "/$ref", "$ref"),
        Refusal(#"{"$ref":1}"#, .malformed, "/$ref", "$ref"),
        Refusal(##"{"$ref":"#/$defs/none"}"##, .unresolved, "/$ref", "$ref"),
        Refusal(##"{"properties":{"a":{"$ref":"#/properties"}}}"##, .unresolved, "/properties/a/$ref", "$ref"),
        Refusal(##"{"$ref":"#/%zz"}"##, .unresolved, "/$ref", "$ref"),
        Refusal(##"{"$ref":"#/%FF"}"##, .unresolved, "/$ref", "$ref"),
        Refusal(##"{"$ref":"#"}"##, .circular, "/$ref", "$ref"),
        Refusal(##"{"items":{"anyOf":[{"not":{"$ref":"#/items"}}]}}"##, .circular, "/items/anyOf/0/not/$ref", "$ref"),
        Refusal(
            ##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"if":{"$ref":"#/$defs/a"}}},"$ref":"#/$defs/a"}"##, .circular,
            "/$defs/a/$ref", "$ref"),
        Refusal(
            ##"{"dependentSchemas":{"x":{"$ref":"#"}}}"##, .circular, "/dependentSchemas/x/$ref", "$ref"),
    ]

    @Test("What a schema cannot mean here is refused when it is read, with its place", arguments: refusals)
    func refusal(row: Refusal) throws {
        let json = try JSON(parsing: row.schema)
        let error = try #require(throws: JSONSchemaError.self) { try JSONSchema(json) }
        #expect(error.reason == row.reason)
        #expect(error.pointer == row.pointer)
        #expect(error.keyword == row.keyword)
        #expect(error.description.hasPrefix("The schema") && error.description.hasSuffix("."))
    }

    @Test("An error reads as a sentence with a stable code")
    func sentence() throws {
        let error = try #require(throws: JSONSchemaError.self) {
            try JSONSchema(["properties": ["a": ["unevaluatedItems": false]]])
        }
        #expect(error.code == "unsupported_schema")
        #expect(
            error.description
                == "The schema's keyword unevaluatedItems at /properties/a/unevaluatedItems is not supported.")
    }

    @Test("A keyword's name is no keyword where members are named")
    func names() throws {
        let schema = try Self.schema(#"{"properties":{"$ref":{"type":"string"},"unevaluatedItems":true}}"#)
        #expect(schema.validate(["$ref": "x"]) == [])
        #expect(schema.validate(["$ref": 1]).map(\.pointer) == ["/$ref"])
    }

    @Test("Each violation says where, which keyword, and what, without the value that was found")
    func violations() throws {
        let schema = try Self.schema(
            #"""
            {"type":"object","required":["city"],"additionalProperties":false,"properties":{
              "days":{"type":"integer","maximum":14},"unit":{"enum":["c","f"]},"names":{"items":{"minLength":1}},
              "city":true,"when":{"anyOf":[{"type":"string"},{"type":"null"}]},"key":{"const":"k"},"a/b":{"type":["string","null"]}}}
            """#)
        let value = try JSON(
            parsing:
                #"{"days":15.5,"unit":"secret","names":["a",""],"when":1,"key":"secret","a/b":1,"extra":"secret"}"#)
        #expect(
            schema.validate(value).map { "\($0.keyword): \($0)" } == [
                "required: The value lacks the member \"city\".",
                "type: The value at /days must be an integer.",
                "maximum: The value at /days must be at most 14.",
                "enum: The value at /unit must be one of: \"c\", \"f\".",
                "minLength: The value at /names/1 must have at least 1 character.",
                "anyOf: The value at /when must match at least one of 2 alternatives, and matches none.",
                "const: The value at /key must be \"k\".",
                "type: The value at /a~1b must be a string or null.",
                "additionalProperties: The value at /extra is not allowed.",
            ])
        #expect(schema.validate(["city": "x"]) == [])
    }

    @Test("A long list of allowed values is cut off")
    func longEnum() throws {
        let schema = try JSONSchema(["enum": .array((0..<1000).map { .string("value \($0)") })])
        let description = try #require(schema.validate(1).first?.description)
        #expect(description.contains("\"value 0\", ") && description.hasSuffix(" more."))
        #expect(description.utf8.count < 300)
        let large = try JSONSchema(["const": .string(String(repeating: "x", count: 1000))])
        #expect((large.validate(1).first?.description.utf8.count ?? 1000) < 100)
    }

    @Test("Schemas are equal when they say the same")
    func equality() throws {
        let one = try Self.schema(#"{"type":"string","minLength":1}"#)
        let other = try Self.schema(#"{"minLength":1,"type":"string"}"#)
        #expect(one == other)
        #expect(one.hashValue == other.hashValue)
        #expect(one != (try Self.schema("true")))
        #expect(one.json == ["type": "string", "minLength": 1])
    }

    @Test("One schema serves many tasks at once")
    func concurrency() async throws {
        let schema = try Self.schema(#"{"items":{"pattern":"^(a|b)+c$"}}"#)
        let right = JSON.array((0..<200).map { .string(String(repeating: "ab", count: $0 % 9 + 1) + "c") })
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask { schema.validate(right).isEmpty && schema.validate(["c"]).count == 1 }
            }
            for await isRight in group { #expect(isRight) }
        }
    }
}
