import Conversation
import Testing

@Suite("The keywords of a schema")
struct JSONSchemaKeywordTests {
    /// A schema with values on both sides of its edge, all as JSON text.
    struct Row: Sendable, CustomTestStringConvertible {
        let schema: String
        let valid: [String]
        let invalid: [String]
        var testDescription: String { schema }

        init(_ schema: String, valid: [String], invalid: [String]) {
            self.schema = schema
            self.valid = valid
            self.invalid = invalid
        }
    }

    static let values: [Row] = [
        Row("true", valid: ["1", "null"], invalid: []),
        Row("false", valid: [], invalid: ["1", "null"]),
        Row("{}", valid: ["1", "[]"], invalid: []),
        Row(#"{"type":"null"}"#, valid: ["null"], invalid: ["false", "0", "\"\""]),
        Row(#"{"type":"boolean"}"#, valid: ["true", "false"], invalid: ["null", "0"]),
        Row(
            #"{"type":"integer"}"#, valid: ["1", "1.0", "-0", "1e3", "1.5e1", "123456789012345678901234567890"],
            invalid: ["1.5", "1e-1", "\"1\"", "1.00000000000000000001"]),
        Row(#"{"type":"number"}"#, valid: ["1", "1.5", "1e400"], invalid: ["\"1\"", "null"]),
        Row(#"{"type":"string"}"#, valid: ["\"\""], invalid: ["1", "null"]),
        Row(#"{"type":"array"}"#, valid: ["[]"], invalid: ["{}"]),
        Row(#"{"type":"object"}"#, valid: ["{}"], invalid: ["[]", "null"]),
        Row(#"{"type":["string","null"]}"#, valid: ["\"a\"", "null"], invalid: ["1"]),
        Row(
            #"{"enum":[1,"a",{"b":[null,2]},[]]}"#,
            valid: ["1", "1.0", "10e-1", "\"a\"", #"{"b":[null,2.0]}"#, "[]"],
            invalid: ["2", "\"A\"", #"{"b":[2,null]}"#, "{}", "\"1\"", "true"]),
        Row(#"{"enum":[]}"#, valid: [], invalid: ["null"]),
        Row(#"{"const":{"a":1,"b":0}}"#, valid: [#"{"b":-0,"a":1.0}"#], invalid: ["{}", #"{"a":1}"#, "null"]),
        Row(#"{"const":"é"}"#, valid: ["\"é\""], invalid: ["\"e\u{301}\""]),
        Row(#"{"const":null}"#, valid: ["null"], invalid: ["false"]),
        Row(#"{"const":false}"#, valid: ["false"], invalid: ["0", "null"]),
        Row(#"{"minimum":3}"#, valid: ["3", "3.0", "4", "\"2\""], invalid: ["2.99999999999999999999", "-4"]),
        Row(#"{"maximum":3}"#, valid: ["3", "30e-1", "-4"], invalid: ["3.00000000000000000001", "1e99999999999999"]),
        Row(#"{"exclusiveMinimum":-1}"#, valid: ["-0.999", "0", "1e-400"], invalid: ["-1", "-1.0", "-1.001"]),
        Row(#"{"exclusiveMaximum":0}"#, valid: ["-1e-400"], invalid: ["0", "-0", "0.0", "1e-400"]),
        Row(
            #"{"maximum":9007199254740992}"#, valid: ["9007199254740992"],
            invalid: ["9007199254740993", "90071992547409920"]),
        Row(#"{"multipleOf":3}"#, valid: ["0", "-9", "3e20", "null"], invalid: ["1", "1e20", "3.1"]),
        Row(#"{"multipleOf":0.01}"#, valid: ["19.99", "4.35", "1e300"], invalid: ["0.001", "19.999"]),
        Row(#"{"multipleOf":1e2}"#, valid: ["300", "1e2"], invalid: ["50", "10"]),
        Row(
            #"{"multipleOf":7}"#, valid: ["7e9999999999999999999", "70000000000000000000000000000007"], invalid: ["1e9"]
        ),
        Row(#"{"minLength":2}"#, valid: ["\"ab\"", "\"😀😀\"", "1"], invalid: ["\"a\"", "\"😀\"", "\"\""]),
        Row(#"{"maxLength":2.0}"#, valid: ["\"ab\"", "\"e\u{301}\""], invalid: ["\"abc\"", "\"e\u{301}e\""]),
        Row(
            #"{"pattern":"^[a-z]+\\d$"}"#, valid: ["\"ab1\"", "1"],
            invalid: ["\"ab\"", "\"AB1\"", "\"ab٣\"", "\"ab1\\n\""]),
        Row(#"{"pattern":"b"}"#, valid: ["\"abc\""], invalid: ["\"ac\"", "\"\""]),
        Row(#"{"format":"email","type":"string"}"#, valid: ["\"nobody\""], invalid: []),
    ]

    static let containers: [Row] = [
        Row(#"{"items":{"type":"string"}}"#, valid: ["[]", "[\"a\"]", "{}"], invalid: ["[1]", "[\"a\",1]"]),
        Row(#"{"items":false}"#, valid: ["[]"], invalid: ["[1]"]),
        Row(
            #"{"prefixItems":[{"type":"string"},{"type":"number"}],"items":{"type":"null"}}"#,
            valid: ["[]", "[\"a\"]", "[\"a\",1]", "[\"a\",1,null]"],
            invalid: ["[1]", "[\"a\",\"b\"]", "[\"a\",1,2]"]),
        Row(#"{"prefixItems":[true]}"#, valid: ["[1,2,3]"], invalid: []),
        Row(#"{"contains":{"const":1}}"#, valid: ["[1]", "[0,1]", "{}"], invalid: ["[]", "[0]"]),
        Row(
            #"{"contains":{"const":1},"minContains":2,"maxContains":3}"#, valid: ["[1,1]", "[1,0,1,1]"],
            invalid: ["[1]", "[1,1,1,1]", "[]"]),
        Row(#"{"contains":{"const":1},"minContains":0}"#, valid: ["[]", "[0]"], invalid: []),
        Row(#"{"contains":{"const":1},"minContains":0,"maxContains":1}"#, valid: ["[]", "[1]"], invalid: ["[1,1]"]),
        Row(#"{"minContains":5}"#, valid: ["[]"], invalid: []),
        Row(#"{"minItems":1}"#, valid: ["[0]", "\"\""], invalid: ["[]"]),
        Row(#"{"maxItems":1}"#, valid: ["[0]", "[]"], invalid: ["[0,0]"]),
        Row(
            #"{"uniqueItems":true}"#, valid: ["[]", "[1,\"1\",true,null]", "[[1],[2]]", "[{\"a\":1},{\"b\":1}]"],
            invalid: ["[1,1.0]", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "[[],0,[]]"]),
        Row(#"{"uniqueItems":false}"#, valid: ["[1,1]"], invalid: []),
        Row(
            #"{"properties":{"a":{"type":"string"},"":{"type":"null"}}}"#,
            valid: ["{}", #"{"a":"x"}"#, #"{"b":1}"#, #"{"":null}"#, "[]"], invalid: [#"{"a":1}"#, #"{"":1}"#]),
        Row(#"{"required":["a","b"]}"#, valid: [#"{"a":null,"b":1}"#, "[]"], invalid: [#"{"b":1}"#, #"{"a":1}"#]),
        Row(
            #"{"properties":{"a":true},"additionalProperties":false}"#, valid: ["{}", #"{"a":1}"#],
            invalid: [#"{"b":1}"#, #"{"a":1,"c":1}"#]),
        Row(
            #"{"additionalProperties":{"type":"number"}}"#, valid: ["{}", #"{"a":1,"b":2}"#], invalid: [#"{"a":""}"#]),
        Row(
            #"{"patternProperties":{"^x-":{"type":"string"},"d$":{"minLength":2}},"additionalProperties":false}"#,
            valid: [#"{"x-a":""}"#, #"{"x-d":"ab"}"#, #"{"d":1}"#],
            invalid: [#"{"x-a":1}"#, #"{"x-d":"a"}"#, #"{"y":1}"#]
        ),
        Row(
            #"{"properties":{"é":true},"additionalProperties":false}"#, valid: ["{\"é\":1}"],
            invalid: ["{\"e\u{301}\":1}"]),
        Row(#"{"propertyNames":{"maxLength":1}}"#, valid: ["{}", #"{"a":1}"#], invalid: [#"{"ab":1}"#]),
        Row(#"{"minProperties":1}"#, valid: [#"{"a":1}"#, "[]"], invalid: ["{}"]),
        Row(#"{"maxProperties":1}"#, valid: ["{}", #"{"a":1}"#], invalid: [#"{"a":1,"b":1}"#]),
        Row(
            #"{"dependentRequired":{"a":["b"]}}"#, valid: ["{}", #"{"b":1}"#, #"{"a":1,"b":1}"#],
            invalid: [#"{"a":1}"#]),
        Row(
            #"{"dependentSchemas":{"a":{"required":["b"]}}}"#, valid: ["{}", #"{"a":1,"b":1}"#], invalid: [#"{"a":1}"#]
        ),
    ]

    static let combinations: [Row] = [
        Row(#"{"allOf":[{"minimum":1},{"maximum":2}]}"#, valid: ["1", "2"], invalid: ["0", "3"]),
        Row(#"{"anyOf":[{"minimum":2},{"type":"string"}]}"#, valid: ["2", "\"\"", "null"], invalid: ["1"]),
        Row(#"{"anyOf":[{"minimum":2}]}"#, valid: ["2"], invalid: ["1"]),
        Row(
            #"{"oneOf":[{"multipleOf":2},{"multipleOf":3},false]}"#, valid: ["2", "3", "4"],
            invalid: ["6", "5", "0", "null"]),
        Row(#"{"not":{"type":"null"}}"#, valid: ["1"], invalid: ["null"]),
        Row(#"{"not":{}}"#, valid: [], invalid: ["1"]),
        Row(
            #"{"if":{"type":"string"},"then":{"minLength":1},"else":{"minimum":1}}"#, valid: ["\"a\"", "1", "null"],
            invalid: ["\"\"", "0"]),
        Row(#"{"if":{"type":"string"},"then":{"minLength":1}}"#, valid: ["\"a\"", "0"], invalid: ["\"\""]),
        Row(#"{"then":false,"else":false}"#, valid: ["1"], invalid: []),
        Row(
            ##"{"$defs":{"n":{"type":"number"}},"properties":{"a":{"$ref":"#/$defs/n","minimum":1}}}"##,
            valid: [#"{"a":1}"#], invalid: [#"{"a":0}"#, #"{"a":""}"#]),
        Row(
            ##"{"definitions":{"a/b~c d":{"type":"null"}},"$ref":"#/definitions/a~1b~0c%20d"}"##, valid: ["null"],
            invalid: ["1"]),
        Row(
            ##"{"properties":{"a":{"type":"null"},"b":{"$ref":"#/properties/a"}}}"##, valid: [#"{"b":null}"#],
            invalid: [#"{"b":1}"#]),
        Row(
            ##"{"type":"object","properties":{"next":{"$ref":"#"}},"additionalProperties":false}"##,
            valid: ["{}", #"{"next":{"next":{}}}"#], invalid: [#"{"next":{"next":1}}"#, #"{"next":{"last":{}}}"#]),
        Row(
            ##"{"$defs":{"tree":{"type":"array","items":{"anyOf":[{"$ref":"#/$defs/tree"},{"type":"number"}]}}},"$ref":"#/$defs/tree"}"##,
            valid: ["[]", "[1,[2,[3]]]"], invalid: ["1", "[1,[2,[\"3\"]]]"]),
        Row(
            ##"{"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"x","$comment":"","title":1,"strange":[]}"##,
            valid: ["1"], invalid: []),
    ]

    @Test(
        "Each keyword accepts and refuses on the right side of its edge", arguments: values + containers + combinations)
    func table(row: Row) throws {
        let schema = try JSONSchema(JSON(parsing: row.schema))
        for text in row.valid {
            let violations = try schema.validate(JSON(parsing: text))
            #expect(violations == [], Comment(rawValue: "\(text): \(violations)"))
        }
        for text in row.invalid {
            let violations = try schema.validate(JSON(parsing: text))
            #expect(violations.count == 1, Comment(rawValue: "\(text): \(violations)"))
        }
    }
}
