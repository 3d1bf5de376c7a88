/// The values of one execution in the server's binary form, one behind the other.
struct PostgresArguments: Sendable {
    private(set) var bytes: [UInt8] = []
    /// Where each value lies; nil is NULL.
    private(set) var places: [Range<Int>?] = []

    init(_ values: [SQLValue], types: [PostgresType]) {
        for (value, type) in zip(values, types) {
            let start = bytes.count
            places.append(append(value, as: type) ? start..<bytes.count : nil)
        }
    }

    /// Each column becomes one array.
    init(rows: [[SQLValue]], types: [PostgresType]) {
        for (column, type) in types.enumerated() {
            let start = bytes.count
            append(rows.isEmpty ? 0 : 1)
            // Whether there are NULLs in it; the server looks for itself.
            append(1)
            append(type.objectID)
            if !rows.isEmpty {
                append(Int32(clamping: rows.count))
                // The first element's index.
                append(1)
            }
            for row in rows {
                let length = bytes.count
                append(-1)
                if append(row[column], as: type) { set(Int32(clamping: bytes.count - length - 4), at: length) }
            }
            places.append(start..<bytes.count)
        }
    }

    /// False, and nothing is appended, if the value is NULL.
    private mutating func append(_ value: SQLValue, as type: PostgresType) -> Bool {
        switch value {
        case .null: return false
        case .integer(let integer) where type == .boolean: bytes.append(integer == 0 ? 0 : 1)
        case .integer(let integer): withUnsafeBytes(of: integer.bigEndian) { bytes += $0 }
        case .text(let text): bytes += text.utf8
        case .blob(let blob): bytes += blob
        }
        return true
    }

    private mutating func append(_ integer: Int32) {
        withUnsafeBytes(of: integer.bigEndian) { bytes += $0 }
    }

    private mutating func set(_ integer: Int32, at place: Int) {
        withUnsafeBytes(of: integer.bigEndian) { bytes.replaceSubrange(place..<place + 4, with: $0) }
    }
}
