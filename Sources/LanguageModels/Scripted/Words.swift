/// The words of a text, each with the white space in front of it: joined again they are the text, byte for byte.
struct Words: Sequence, IteratorProtocol {
    private var rest: Substring

    init(_ text: Substring) { rest = text }

    mutating func next() -> String? {
        let bytes = rest.utf8
        let end = bytes.endIndex
        var index = bytes.startIndex
        while index < end, Self.isSpace(bytes[index]) { bytes.formIndex(after: &index) }
        while index < end, !Self.isSpace(bytes[index]) { bytes.formIndex(after: &index) }
        guard index > bytes.startIndex else { return nil }
        let word = String(rest[..<index])
        rest = rest[index...]
        return word
    }

    /// How many words a text has: how often a space, or the beginning, is followed by something else.
    ///
    /// A prompt may be long. Without a branch, and with sums of one byte, the compiler looks at many bytes at once.
    static func count(in text: String) -> Int {
        var text = text
        return text.withUTF8 { bytes in
            guard let first = bytes.first else { return 0 }
            var count = isSpace(first) ? 0 : 1
            for start in stride(from: 1, to: bytes.count, by: 255) {
                var beginnings: UInt8 = 0
                for index in start..<Swift.min(start &+ 255, bytes.count) {
                    beginnings &+= (isSpace(bytes[index &- 1]) ? 1 : 0) & (isSpace(bytes[index]) ? 0 : 1)
                }
                count &+= Int(beginnings)
            }
            return count
        }
    }

    /// The spaces of ASCII only: their bytes are part of no other character.
    @inline(__always)
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte &- 0x09 <= 0x04 }
}
