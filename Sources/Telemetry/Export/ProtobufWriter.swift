/// Writes a message of Protocol Buffers (https://protobuf.dev/programming-guides/encoding/), field by field. What has its
/// default value is left out by the caller, or not: both mean the same.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    mutating func write(_ field: Int, _ text: String) {
        writeTag(field, 2)
        writeVarint(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// Bytes that are numbers, the highest byte of each first.
    mutating func write(_ field: Int, bigEndian values: [UInt64]) {
        writeTag(field, 2)
        writeVarint(UInt64(values.count * 8))
        for value in values { withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) } }
    }

    mutating func write(_ field: Int, varint value: UInt64) {
        writeTag(field, 0)
        writeVarint(value)
    }

    mutating func write(_ field: Int, fixed value: UInt64) {
        writeTag(field, 1)
        writeFixed(value)
    }

    mutating func write(_ field: Int, _ value: Double) { write(field, fixed: value.bitPattern) }

    /// Numbers of eight bytes each, packed.
    mutating func write(_ field: Int, packed values: [UInt64]) {
        writeTag(field, 2)
        writeVarint(UInt64(values.count * 8))
        for value in values { writeFixed(value) }
    }

    /// A message in the message.
    mutating func write(_ field: Int, _ body: (inout ProtobufWriter) -> Void) {
        writeTag(field, 2)
        // Its length comes first and is known last. Most need one byte, which is kept free; the others are moved up.
        let place = bytes.count
        bytes.append(0)
        body(&self)
        let length = bytes.count - place - 1
        guard length > 0x7F else { return bytes[place] = UInt8(length) }
        var number = ProtobufWriter()
        number.writeVarint(UInt64(length))
        bytes.replaceSubrange(place...place, with: number.bytes)
    }

    private mutating func writeTag(_ field: Int, _ type: UInt64) { writeVarint(UInt64(field) << 3 | type) }

    private mutating func writeVarint(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func writeFixed(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
}
