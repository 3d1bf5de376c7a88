/// A value on its way into a statement. Text and blobs keep every byte, NUL included, which GRDB's own binding of
/// strings does not: it stops at the first NUL, and two idempotency keys that differ behind one would be the same.
enum SQLValue {
    case null
    case integer(Int64)
    case text(String)
    case blob([UInt8])

    static func integer(_ value: Int) -> SQLValue { .integer(Int64(value)) }
    static func integer(_ value: Int32) -> SQLValue { .integer(Int64(value)) }
    static func integer(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }
    static func optional(_ value: Int64?) -> SQLValue { value.map { .integer($0) } ?? .null }
    static func optional(_ value: Int?) -> SQLValue { value.map { .integer($0) } ?? .null }
    static func optional(_ value: String?) -> SQLValue { value.map { .text($0) } ?? .null }
    static func optional(_ value: [UInt8]?) -> SQLValue { value.map { .blob($0) } ?? .null }
}
