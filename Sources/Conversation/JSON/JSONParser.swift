/// A recursive descent over the bytes of one JSON text.
struct JSONParser {
    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    private init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    static func parse(_ bytes: UnsafeBufferPointer<UInt8>) throws(JSONError) -> JSON {
        var parser = JSONParser(bytes)
        do {
            return try parser.document()
        } catch {
            // Only strings are checked on the way, so the whole is looked at once there is something to report.
            if let offset = firstInvalidUTF8(in: bytes) {
                throw JSONError(.invalidUTF8, at: offset, "these bytes are not UTF-8")
            }
            throw error
        }
    }

    private static func firstInvalidUTF8(in bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        var offset = 0
        var iterator = bytes.makeIterator()
        var parser = Unicode.UTF8.ForwardParser()
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar): offset += scalar.count
            case .error: return offset
            case .emptyInput: return nil
            }
        }
    }

    private mutating func document() throws(JSONError) -> JSON {
        let value = try self.value()
        skipWhitespace()
        guard position == bytes.count else { throw syntaxError("nothing may follow the value") }
        return value
    }

    private func syntaxError(_ detail: String) -> JSONError { JSONError(.syntax, at: position, detail) }

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func value() throws(JSONError) -> JSON {
        skipWhitespace()
        guard let first = peek() else { throw syntaxError("a value was expected") }
        switch first {
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "t"): return try literal("true", .bool(true))
        case UInt8(ascii: "f"): return try literal("false", .bool(false))
        case UInt8(ascii: "n"): return try literal("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw syntaxError("a value was expected")
        }
    }

    private mutating func literal(_ text: StaticString, _ value: JSON) throws(JSONError) -> JSON {
        let length = text.utf8CodeUnitCount
        let matches =
            bytes.count - position >= length
            && text.withUTF8Buffer { expected in
                expected.elementsEqual(bytes[position..<position + length])
            }
        guard matches else { throw syntaxError("a value was expected") }
        position += length
        return value
    }

    private mutating func enter() throws(JSONError) {
        guard depth < JSON.maximumDepth else {
            throw JSONError(.tooDeep, at: position, "arrays and objects are nested too deep")
        }
        depth += 1
        position += 1
        skipWhitespace()
    }

    private mutating func array() throws(JSONError) -> JSON {
        try enter()
        defer { depth -= 1 }
        var elements: [JSON] = []
        if peek() == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            elements.append(try value())
            if try endsContainer(with: UInt8(ascii: "]")) { return .array(elements) }
        }
    }

    private mutating func object() throws(JSONError) -> JSON {
        try enter()
        defer { depth -= 1 }
        var members = JSONObject()
        if peek() == UInt8(ascii: "}") {
            position += 1
            return .object(members)
        }
        while true {
            skipWhitespace()
            guard peek() == UInt8(ascii: "\"") else { throw syntaxError("a member's name was expected") }
            let name = try string()
            skipWhitespace()
            guard peek() == UInt8(ascii: ":") else { throw syntaxError("a colon was expected") }
            position += 1
            members[name] = try value()
            if try endsContainer(with: UInt8(ascii: "}")) { return .object(members) }
        }
    }

    private mutating func endsContainer(with close: UInt8) throws(JSONError) -> Bool {
        skipWhitespace()
        switch peek() {
        case close:
            position += 1
            return true
        case UInt8(ascii: ","):
            position += 1
            return false
        default:
            throw syntaxError("a comma or the end of the array or object was expected")
        }
    }

    private mutating func number() throws(JSONError) -> JSON {
        let start = position
        if peek() == UInt8(ascii: "-") { position += 1 }
        if peek() == UInt8(ascii: "0") {
            position += 1
        } else {
            try digits()
        }
        if peek() == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if peek() == UInt8(ascii: "e") || peek() == UInt8(ascii: "E") {
            position += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { position += 1 }
            try digits()
        }
        let text = UnsafeBufferPointer(rebasing: bytes[start..<position])
        return .number(JSONNumber(verified: String(decoding: text, as: UTF8.self)))
    }

    private mutating func digits() throws(JSONError) {
        let start = position
        while position < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[position]) {
            position += 1
        }
        guard position > start else { throw syntaxError("a digit was expected") }
    }

    private mutating func string() throws(JSONError) -> String {
        position += 1
        let start = position
        var allBits: UInt8 = 0
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = UnsafeBufferPointer(rebasing: bytes[start..<position])
                position += 1
                return try decode(text, isASCII: allBits < 0x80, at: start)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { throw syntaxError("a control character must be escaped") }
            allBits |= byte
            position += 1
        }
        throw syntaxError("the string does not end")
    }

    private func decode(
        _ text: UnsafeBufferPointer<UInt8>, isASCII: Bool, at start: Int
    ) throws(JSONError) -> String {
        // Checking and decoding in one is a good deal slower, so it is left to text that needs checking.
        if isASCII { return String(decoding: text, as: UTF8.self) }
        guard let decoded = String(validating: text, as: UTF8.self) else {
            throw JSONError(.invalidUTF8, at: start, "these bytes are not UTF-8")
        }
        return decoded
    }

    /// Reads on in a string from its first escape; what stands before it begins at `start`.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var text: [UInt8] = []
        var copied = start
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                text.append(contentsOf: bytes[copied..<position])
                position += 1
                return try text.withUnsafeBufferPointer { (buffer) throws(JSONError) in
                    try decode(buffer, isASCII: false, at: start)
                }
            case UInt8(ascii: "\\"):
                text.append(contentsOf: bytes[copied..<position])
                position += 1
                try escape(into: &text)
                copied = position
            case ..<0x20:
                throw syntaxError("a control character must be escaped")
            default:
                position += 1
            }
        }
        throw syntaxError("the string does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws(JSONError) {
        guard let byte = peek() else { throw syntaxError("the string does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"): text.append(contentsOf: String(try escapedScalar()).utf8)
        default:
            position -= 1
            throw syntaxError("there is no such escape")
        }
    }

    private mutating func escapedScalar() throws(JSONError) -> Character {
        let unit = try hexadecimalUnit()
        guard UTF16.isLeadSurrogate(unit) else {
            // A trail surrogate on its own is no scalar.
            return Character(Unicode.Scalar(unit) ?? "\u{FFFD}")
        }
        guard bytes.count - position >= 6, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u")
        else { return "\u{FFFD}" }
        let afterLead = position
        position += 2
        let trail = try hexadecimalUnit()
        guard UTF16.isTrailSurrogate(trail) else {
            // The second escape stands for itself: it is read again.
            position = afterLead
            return "\u{FFFD}"
        }
        return Character(UTF16.decode(UTF16.EncodedScalar([unit, trail])))
    }

    private mutating func hexadecimalUnit() throws(JSONError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw syntaxError("four hexadecimal digits were expected")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }
}
