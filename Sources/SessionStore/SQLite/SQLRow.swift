import GRDBSQLite

/// The row that a statement stands on. Valid only until the statement moves on.
struct SQLRow: ~Copyable {
    private let statement: OpaquePointer

    init(statement: OpaquePointer) {
        self.statement = statement
    }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(statement, column) == SQLITE_NULL }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }

    func int(_ column: Int32) throws -> Int { try exactly(column) }

    func int32(_ column: Int32) throws -> Int32 { try exactly(column) }

    func bool(_ column: Int32) -> Bool { integer(column) != 0 }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func optionalInt(_ column: Int32) throws -> Int? { isNull(column) ? nil : try int(column) }

    func text(_ column: Int32) -> String {
        // The pointer must be asked for before the size: it may convert the value.
        guard let start = sqlite3_column_text(statement, column) else { return "" }
        let count = Int(sqlite3_column_bytes(statement, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(statement, column) else { return [] }
        return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(statement, column))))
    }

    func optionalBlob(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : blob(column) }

    /// A value that is written as its raw text.
    func named<Value: RawRepresentable<String>>(_ column: Int32) throws -> Value {
        let raw = text(column)
        guard let value = Value(rawValue: raw) else { throw UndecodableColumn(name: name(of: column), value: raw) }
        return value
    }

    func optionalNamed<Value: RawRepresentable<String>>(_ column: Int32) throws -> Value? {
        isNull(column) ? nil : try named(column)
    }

    private func exactly<Value: FixedWidthInteger>(_ column: Int32) throws -> Value {
        guard let value = Value(exactly: integer(column)) else {
            throw UndecodableColumn(name: name(of: column), value: String(integer(column)))
        }
        return value
    }

    private func name(of column: Int32) -> String {
        sqlite3_column_name(statement, column).map { String(cString: $0) } ?? "\(column)"
    }
}

extension SQLRow {
    /// The log in four columns: cluster, topic, partition, epoch.
    func log(_ column: Int32) throws -> LogIdentity {
        LogIdentity(
            cluster: text(column), topic: text(column + 1), partition: try int32(column + 2),
            epoch: integer(column + 3))
    }

    /// The position in five columns: those of its log, and the offset.
    func position(_ column: Int32) throws -> LogPosition {
        LogPosition(log: try log(column), offset: integer(column + 4))
    }
}
