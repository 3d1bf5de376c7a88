import Conversation
import Testing

@Suite("JSON")
struct JSONTests {
    @Test("Whatever is written reads back the same", arguments: UInt64(0)..<40)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<50 {
            let value = random.json(depth: 5)
            let bytes = value.serialized()
            let read = try JSON(parsing: bytes)
            #expect(read == value, Comment(rawValue: "seed \(seed)"))
            // Bytes too: equality alone would take composed and decomposed text for the same.
            #expect(read.serialized() == bytes, Comment(rawValue: "seed \(seed)"))
        }
    }

    @Test("Whitespace between tokens changes nothing", arguments: UInt64(0)..<20)
    func whitespace(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        func spaced(_ value: JSON) -> String {
            let space = String((0..<random.below(3)).map { _ in random.pick([" ", "\t", "\n", "\r"]) as Character })
            switch value {
            case .array(let elements): return space + "[" + elements.map(spaced).joined(separator: ",") + space + "]"
            case .object(let object):
                let members = object.map {
                    space + JSON.string($0.name).serializedString + space + ":" + spaced($0.value)
                }
                return "{" + members.joined(separator: ",") + space + "}" + space
            default: return space + value.serializedString + space
            }
        }
        for _ in 0..<50 {
            let value = random.json(depth: 4)
            let text = spaced(value)
            #expect(try JSON(parsing: text) == value, Comment(rawValue: "seed \(seed): \(text)"))
        }
    }

    @Test("Garbage is refused or read, and never traps", arguments: UInt64(0)..<40)
    func garbage(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<200 {
            var bytes = random.json(depth: 4).serialized()
            for _ in 0...random.below(3) where !bytes.isEmpty {
                switch random.below(3) {
                case 0: bytes[random.below(bytes.count)] = UInt8(random.below(256))
                case 1: bytes.removeLast(random.below(bytes.count))
                default: bytes.insert(random.pick(Array("{}[]\",:\\u0e-.\u{E9}".utf8)), at: random.below(bytes.count))
                }
            }
            do {
                let value = try JSON(parsing: bytes)
                #expect(try JSON(parsing: value.serialized()) == value, Comment(rawValue: "seed \(seed)"))
            } catch {
                #expect((0...bytes.count).contains(error.offset), Comment(rawValue: "seed \(seed)"))
            }
        }
    }

    @Test(
        "Text that is not JSON is refused at its offending byte",
        arguments: [
            ("", 0), (" ", 1), ("{", 1), ("[1,]", 3), ("{\"a\":1,}", 7), ("01", 1), ("1.", 2), ("-", 1), ("1e", 2),
            ("+1", 0), ("tru", 0), ("nulL", 0), ("\"a", 2), ("\"\u{1}\"", 1), ("\"\\x\"", 2), ("\"\\u12G4\"", 5),
            ("1 2", 2), ("[1 2]", 3), ("{a:1}", 1), ("{\"a\" 1}", 5), ("'a'", 0), ("NaN", 0), ("[1}", 2),
            ("\u{FEFF}1", 0),
        ])
    func refused(text: String, offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: text) }
        #expect(error?.reason == .syntax)
        #expect(error?.offset == offset)
    }

    @Test(
        "Bytes that are not UTF-8 are refused at their offset",
        arguments: [
            ([0x22, 0x61, 0xFF, 0x22], 2), ([0xFF, 0xFE], 0), ([0x22, 0xC0, 0x80, 0x22], 1),
            ([0x22, 0x5C, 0x6E, 0xED, 0xA0, 0x80, 0x22], 3), ([0x22, 0xC3], 1), ([0x5B, 0x22, 0xF5, 0x22], 2),
        ] as [([UInt8], Int)])
    func invalidUTF8(bytes: [UInt8], offset: Int) {
        let error = #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
        #expect(error?.reason == .invalidUTF8)
        #expect(error?.offset == offset)
    }

    @Test("Nesting is limited to 256 levels, and far more does not overflow the stack")
    func depth() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(try JSON(parsing: nested(256)).arrayValue != nil)
        #expect(#expect(throws: JSONError.self) { try JSON(parsing: nested(257)) }?.reason == .tooDeep)
        let deep = String(repeating: "{\"a\":", count: 200_000)
        #expect(#expect(throws: JSONError.self) { try JSON(parsing: deep) }?.reason == .tooDeep)
    }

    @Test("Numbers keep their text", arguments: ["1.0", "12345678901234567890", "-0", "1e5", "2.50E-03"])
    func numberText(literal: String) throws {
        #expect(try JSON(parsing: literal).serializedString == literal)
    }

    @Test("A number is whole if its value is")
    func wholeNumbers() throws {
        #expect(try JSON(parsing: "1.0").int == 1)
        #expect(try JSON(parsing: "1e3").int == 1000)
        #expect(try JSON(parsing: "9223372036854775807").int == .max)
        #expect(try JSON(parsing: "9223372036854775808").int == nil)
        #expect(try JSON(parsing: "1.5").int == nil)
        #expect(JSONNumber(Double.infinity) == nil)
        #expect(JSONNumber(0.1)?.literal == "0.1")
        #expect(try JSON(parsing: "1e400").double == .infinity)
    }

    @Test("Escapes are read, and a surrogate without its other half becomes U+FFFD")
    func escapes() throws {
        #expect(try JSON(parsing: #""\u00e9\n\/\ud83d\ude00""#) == .string("é\n/😀"))
        #expect(try JSON(parsing: #""\ud83d!""#) == .string("\u{FFFD}!"))
        #expect(try JSON(parsing: #""\ude00\ud83d\u0041""#) == .string("\u{FFFD}\u{FFFD}A"))
        #expect(try JSON(parsing: #""\ud83d\ud83d\ude00""#) == .string("\u{FFFD}😀"))
    }

    @Test("Of members with the same name the last wins, in the first one's place")
    func duplicateMembers() throws {
        #expect(try JSON(parsing: #"{"a":1,"b":2,"a":3}"#).serializedString == #"{"a":3,"b":2}"#)
    }

    @Test("Names that differ only in their Unicode form are two members")
    func exactNames() throws {
        let text = "{\"\u{E9}\":1,\"e\u{301}\":2}"
        #expect(try JSON(parsing: text).serializedString == text)
    }

    @Test("An object behaves like a list of pairs", arguments: UInt64(0)..<20)
    func objectModel(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var object = JSONObject()
        var model: [(String, JSON)] = []
        for step in 0..<300 {
            let name = "n\(random.below(40))"
            let known = model.firstIndex { $0.0 == name }
            if random.oneIn(3) {
                object[name] = nil
                if let known { model.remove(at: known) }
            } else {
                object[name] = .number(JSONNumber(step))
                if let known {
                    model[known].1 = .number(JSONNumber(step))
                } else {
                    model.append((name, .number(JSONNumber(step))))
                }
            }
            #expect(object.names == model.map(\.0), Comment(rawValue: "seed \(seed), step \(step)"))
            #expect(object.map(\.value) == model.map(\.1), Comment(rawValue: "seed \(seed), step \(step)"))
        }
        let shuffled = JSONObject(model.shuffled(using: &random))
        #expect(shuffled == object && shuffled.hashValue == object.hashValue, Comment(rawValue: "seed \(seed)"))
    }

    @Test("The writer puts commas where they belong")
    func writer() {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("a", string: "x\u{1}\"")
        writer.member("none", string: nil)
        writer.name("b")
        writer.beginArray()
        writer.int(1)
        writer.raw(Array("{}".utf8))
        writer.beginArray()
        writer.endArray()
        writer.null()
        writer.endArray()
        writer.name(escaping: "c\n")
        writer.bool(true)
        writer.endObject()
        let written = String(decoding: writer.bytes, as: UTF8.self)
        #expect(written == #"{"a":"x\u0001\"","b":[1,{},[],null],"c\n":true}"#)
    }
}
