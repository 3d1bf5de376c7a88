import GRDB
import GRDBSQLite

extension Database {
    /// Runs a statement that returns no rows. The statement is prepared once per connection.
    func run(_ sql: String, _ values: [SQLValue] = []) throws {
        try withStatement(sql, values) { statement in
            while try step(statement, sql) {}
        }
    }

    func rows<Item>(
        _ sql: String, _ values: [SQLValue] = [], decode: (borrowing SQLRow) throws -> Item
    ) throws -> [Item] {
        try withStatement(sql, values) { statement in
            var items: [Item] = []
            while try step(statement, sql) { items.append(try decode(SQLRow(statement: statement))) }
            return items
        }
    }

    func firstRow<Item>(
        _ sql: String, _ values: [SQLValue] = [], decode: (borrowing SQLRow) throws -> Item
    ) throws -> Item? {
        try withStatement(sql, values) { statement in
            try step(statement, sql) ? try decode(SQLRow(statement: statement)) : nil
        }
    }

    private func withStatement<Result>(
        _ sql: String, _ values: [SQLValue], _ body: (OpaquePointer) throws -> Result
    ) throws -> Result {
        let cached = try cachedStatement(sql: sql)
        let statement = cached.sqliteStatement
        defer {
            // An unfinished statement would hold its read snapshot, and its bindings their memory.
            sqlite3_reset(statement)
            sqlite3_clear_bindings(statement)
        }
        for (index, value) in values.enumerated() {
            let code = Self.bind(value, to: statement, at: Int32(index + 1))
            guard code == SQLITE_OK else { throw failure(code, sql) }
        }
        return try withExtendedLifetime(cached) { try body(statement) }
    }

    /// Whether there is a row to read.
    private func step(_ statement: OpaquePointer, _ sql: String) throws -> Bool {
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        case let code: throw failure(code, sql)
        }
    }

    private func failure(_ code: Int32, _ sql: String) -> DatabaseError {
        let message = sqliteConnection.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) }
        return DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: sql)
    }

    private static func bind(_ value: SQLValue, to statement: OpaquePointer, at index: Int32) -> Int32 {
        // SQLITE_TRANSIENT: SQLite takes its own copy before the call returns.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        switch value {
        case .null:
            return sqlite3_bind_null(statement, index)
        case .integer(let integer):
            return sqlite3_bind_int64(statement, index, integer)
        case .text(var text):
            return text.withUTF8 { bytes in
                // A nil pointer would bind NULL, and an empty string may come without one.
                bytes.withMemoryRebound(to: CChar.self) { characters in
                    sqlite3_bind_text64(
                        statement, index, characters.baseAddress ?? UnsafePointer(bitPattern: 1),
                        UInt64(bytes.count), copied, UInt8(SQLITE_UTF8))
                }
            }
        case .blob(let bytes):
            guard !bytes.isEmpty else { return sqlite3_bind_zeroblob(statement, index, 0) }
            return bytes.withUnsafeBytes { buffer in
                sqlite3_bind_blob64(statement, index, buffer.baseAddress, UInt64(buffer.count), copied)
            }
        }
    }
}
