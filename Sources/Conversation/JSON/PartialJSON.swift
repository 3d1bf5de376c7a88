/// Reads as much as there is of a JSON text that has not ended yet.
///
/// What is open is closed: a string ends where the text ends, a begun `tr` is taken for `true`, a name without a value
/// is left out. `nil` if there is nothing to show yet, or if the text could not become JSON.
struct PartialJSON {
    private let bytes: [UInt8]
    /// The brackets that would close what is open, outermost first.
    private var closers: [UInt8] = []
    /// How much of the text can be kept, if the open string (if any) and the open containers are closed after it.
    private var kept = 0
    private var keepsOpenString = false
    private var expectsName = false
    /// Where the number or word that is being read began.
    private var tokenStart: Int?

    static func value(of text: String) -> JSON? {
        var scanner = PartialJSON(bytes: Array(text.utf8))
        scanner.scan()
        return scanner.completion().flatMap { try? JSON(parsing: $0) }
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func scan() {
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position = scanString(from: position)
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                // In ASCII the closing bracket stands two after the opening one.
                closers.append(byte + 2)
                expectsName = byte == UInt8(ascii: "{")
                kept = position + 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                _ = closers.popLast()
                tokenStart = nil
                kept = position + 1
            case UInt8(ascii: ","):
                endToken(at: position)
                expectsName = closers.last == UInt8(ascii: "}")
            case UInt8(ascii: ":"):
                expectsName = false
            case 0x20, 0x09, 0x0A, 0x0D:
                endToken(at: position)
            default:
                tokenStart = tokenStart ?? position
            }
            position += 1
        }
    }

    private mutating func endToken(at end: Int) {
        guard tokenStart != nil else { return }
        tokenStart = nil
        kept = end
    }

    /// Scans a string from its opening quote and returns where to go on.
    private mutating func scanString(from start: Int) -> Int {
        var position = start + 1
        if !expectsName {
            kept = position
            keepsOpenString = true
        }
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                if !expectsName { kept = position + 1 }
                keepsOpenString = false
                return position + 1
            case UInt8(ascii: "\\"):
                guard position + 1 < bytes.count else { return bytes.count }
                position += bytes[position + 1] == UInt8(ascii: "u") ? 6 : 2
            default:
                position += 1
            }
            if !expectsName, position <= bytes.count { kept = position }
        }
        return bytes.count
    }

    private func completion() -> [UInt8]? {
        var completed = Array(bytes[..<kept])
        if keepsOpenString {
            completed.append(UInt8(ascii: "\""))
        } else if let tokenStart {
            let token = bytes[tokenStart...]
            if let word = ["true", "false", "null"].first(where: { $0.utf8.starts(with: token) }) {
                completed = Array(bytes[..<tokenStart]) + Array(word.utf8)
            } else if let lastDigit = token.lastIndex(where: (UInt8(ascii: "0")...UInt8(ascii: "9")).contains) {
                // A number that breaks off in its sign, fraction or exponent is taken up to its last digit.
                completed = Array(bytes[...lastDigit])
            } else if !token.elementsEqual("-".utf8) {
                return nil
            }
        }
        return completed + closers.reversed()
    }
}
