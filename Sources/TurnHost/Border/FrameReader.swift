/// Takes one frame's fields apart again. Believes nothing: every length is checked against the bytes that are there.
struct FrameReader {
    private let bytes: [UInt8]
    private var position: Int

    init(_ bytes: [UInt8], from position: Int) {
        self.bytes = bytes
        self.position = position
    }

    var remaining: Int { bytes.count - position }

    mutating func readByte(_ what: StaticString) throws(FrameError) -> UInt8 {
        guard position < bytes.count else { throw FrameError(.truncated, "The frame ends before its \(what).") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func readUnsigned(_ what: StaticString) throws(FrameError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte(what)
            let group = UInt64(byte & 0x7F)
            guard shift < 63 || (shift == 63 && group <= 1) else {
                throw FrameError(.malformed, "The frame's \(what) is larger than a 64-bit integer.")
            }
            value |= group << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func readSigned(_ what: StaticString) throws(FrameError) -> Int64 {
        let zigzag = try readUnsigned(what)
        return Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1)
    }

    mutating func readInt32(_ what: StaticString) throws(FrameError) -> Int32 {
        guard let value = Int32(exactly: try readSigned(what)) else {
            throw FrameError(.malformed, "The frame's \(what) is larger than a 32-bit integer.")
        }
        return value
    }

    /// How many elements follow. Each takes at least one byte, so a count beyond what is left is a lie, found before
    /// memory is taken for it.
    mutating func readCount(_ what: StaticString) throws(FrameError) -> Int {
        let value = try readUnsigned(what)
        guard value <= UInt64(remaining) else {
            throw FrameError(.truncated, "The frame says that its \(what) takes more than the frame holds.")
        }
        return Int(value)
    }

    mutating func readBlob(_ what: StaticString) throws(FrameError) -> [UInt8] {
        let count = try readCount(what)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func readOptionalBlob(_ what: StaticString) throws(FrameError) -> [UInt8]? {
        let value = try readUnsigned(what)
        guard value > 0 else { return nil }
        guard value - 1 <= UInt64(remaining) else {
            throw FrameError(.truncated, "The frame says that its \(what) takes more than the frame holds.")
        }
        let count = Int(value - 1)
        defer { position += count }
        return Array(bytes[position..<position + count])
    }

    mutating func readString(_ what: StaticString) throws(FrameError) -> String {
        guard let string = String(validating: try readBlob(what), as: UTF8.self) else {
            throw FrameError(.malformed, "The frame's \(what) is not UTF-8.")
        }
        return string
    }

    mutating func readOptionalString(_ what: StaticString) throws(FrameError) -> String? {
        guard let bytes = try readOptionalBlob(what) else { return nil }
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw FrameError(.malformed, "The frame's \(what) is not UTF-8.")
        }
        return string
    }

    mutating func readIntegers(_ what: StaticString) throws(FrameError) -> [Int64] {
        let count = try readCount(what)
        var integers: [Int64] = []
        integers.reserveCapacity(count)
        for _ in 0..<count { integers.append(try readSigned(what)) }
        return integers
    }

    func finish() throws(FrameError) {
        guard remaining == 0 else {
            throw FrameError(.trailingBytes, "The frame has \(remaining) bytes after its last member.")
        }
    }
}
