/// Builds one frame: fields in a fixed order, integers as variable-length groups of seven bits.
struct FrameWriter {
    private(set) var bytes: [UInt8] = []

    /// Leaves room for the length, which is known only at the end.
    init(kind: UInt8) {
        bytes = [0, 0, 0, 0, FrameCodec.version, kind]
    }

    mutating func write(byte: UInt8) {
        bytes.append(byte)
    }

    mutating func write(unsigned value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func write(count: Int) {
        write(unsigned: UInt64(count))
    }

    /// Zigzag, so that a small negative number (an unknown timestamp is -1) stays small.
    mutating func write(signed value: Int64) {
        write(unsigned: UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    mutating func write(blob: [UInt8]) {
        write(count: blob.count)
        bytes.append(contentsOf: blob)
    }

    /// Absent is 0 and present is its length plus one: a null value and an empty one are different records.
    mutating func write(optionalBlob: [UInt8]?) {
        guard let optionalBlob else { return write(unsigned: 0) }
        write(unsigned: UInt64(optionalBlob.count) + 1)
        bytes.append(contentsOf: optionalBlob)
    }

    mutating func write(string: String) {
        let utf8 = string.utf8
        write(count: utf8.count)
        bytes.append(contentsOf: utf8)
    }

    mutating func write(integers: [Int64]) {
        write(count: integers.count)
        for integer in integers { write(signed: integer) }
    }

    consuming func finished() -> [UInt8] {
        let length = UInt32(truncatingIfNeeded: bytes.count - 4)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(index))) }
        return bytes
    }
}
