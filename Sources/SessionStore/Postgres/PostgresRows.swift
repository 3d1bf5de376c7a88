internal import CPostgres

/// What a statement returned. The memory goes with the last reference.
final class PostgresRows {
    private let result: OpaquePointer

    /// - Parameter result: a `PGresult` that nobody else clears.
    init(_ result: OpaquePointer) {
        self.result = result
    }

    deinit {
        PQclear(result)
    }

    var count: Int { Int(PQntuples(result)) }

    /// What the server says that it did: "COMMIT".
    var command: String { PQcmdStatus(result).map { String(cString: $0) } ?? "" }

    func map<Item>(_ decode: (PostgresRow) throws -> Item) rethrows -> [Item] {
        try (0..<PQntuples(result)).map { try decode(PostgresRow(result: result, row: $0)) }
    }

    func first<Item>(_ decode: (PostgresRow) throws -> Item) rethrows -> Item? {
        PQntuples(result) > 0 ? try decode(PostgresRow(result: result, row: 0)) : nil
    }
}

/// One row of a result, valid while the result is.
struct PostgresRow {
    fileprivate let result: OpaquePointer
    fileprivate let row: Int32

    func isNull(_ column: Int32) -> Bool { PQgetisnull(result, row, column) != 0 }

    /// A whole number of whatever width, or a truth value as 0 or 1. 0 for NULL.
    func integer(_ column: Int32) -> Int64 {
        let bytes = bytes(column)
        guard let first = bytes.first else { return 0 }
        // A short number keeps its sign.
        let start: Int64 = bytes.count > 1 && first & 0x80 != 0 ? -1 : 0
        return bytes.reduce(start) { $0 << 8 | Int64($1) }
    }

    func int(_ column: Int32) throws -> Int { try exactly(column) }

    func int32(_ column: Int32) throws -> Int32 { try exactly(column) }

    func bool(_ column: Int32) -> Bool { integer(column) != 0 }

    func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

    func optionalInt(_ column: Int32) throws -> Int? { isNull(column) ? nil : try int(column) }

    func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func blob(_ column: Int32) -> [UInt8] { Array(bytes(column)) }

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

    private func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: PQgetvalue(result, row, column), count: Int(PQgetlength(result, row, column)))
    }

    private func exactly<Value: FixedWidthInteger>(_ column: Int32) throws -> Value {
        guard let value = Value(exactly: integer(column)) else {
            throw UndecodableColumn(name: name(of: column), value: String(integer(column)))
        }
        return value
    }

    private func name(of column: Int32) -> String {
        PQfname(result, column).map { String(cString: $0) } ?? "\(column)"
    }
}
