import Testing

@testable import Conversation

@Suite("Partial JSON")
struct PartialJSONTests {
    @Test(
        "What there is of an unfinished text is read",
        arguments: [
            ("", nil), ("{", "{}"), (#"{"a"#, "{}"), (#"{"a":"#, "{}"), (#"{"a":"x"#, #"{"a":"x"}"#),
            (#"{"a":"x\"#, #"{"a":"x"}"#), (#"{"a":"x\u00e"#, #"{"a":"x"}"#), (#"{"a":"x\u00e9"#, #"{"a":"xé"}"#),
            (#"{"a":1"#, #"{"a":1}"#), (#"{"a":1."#, #"{"a":1}"#), (#"{"a":-"#, "{}"), (#"{"a":1.5e"#, #"{"a":1.5}"#),
            (#"{"a":tr"#, #"{"a":true}"#), (#"{"a":null,"#, #"{"a":null}"#), (#"[1,[2,{"b":[]"#, #"[1,[2,{"b":[]}]]"#),
            (#"{"a":1, "b"#, #"{"a":1}"#), ("nu", "null"), ("}", nil), ("{]", nil), ("[1}", nil), ("[x", nil),
        ] as [(String, String?)])
    func table(text: String, expected: String?) {
        #expect(PartialJSON.value(of: text)?.serializedString == expected)
    }

    @Test("Every beginning of a container can be read, and the whole is the whole", arguments: UInt64(0)..<20)
    func prefixes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10 {
            let value = JSON.object(random.object(depth: 1))
            let text = value.serializedString
            #expect(PartialJSON.value(of: text) == value, Comment(rawValue: "seed \(seed): \(text)"))
            for end in text.indices.dropFirst().prefix(120) {
                let prefix = String(text[..<end])
                #expect(PartialJSON.value(of: prefix)?.objectValue != nil, Comment(rawValue: "seed \(seed): \(prefix)"))
            }
        }
    }

    @Test("Garbage never traps", arguments: UInt64(0)..<10)
    func garbage(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let alphabet = Array("{}[]\",:\\u1e-. tfn\u{E9}")
        for _ in 0..<500 {
            let text = String((0..<random.below(12)).map { _ in random.pick(alphabet) })
            if let value = PartialJSON.value(of: text) {
                #expect(throws: Never.self) { try JSON(parsing: value.serialized()) }
            }
        }
    }
}
