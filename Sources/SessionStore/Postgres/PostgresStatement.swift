/// A statement with its parameters. It is prepared once per connection.
struct PostgresStatement: Sendable {
    /// What the connection knows it by; nil if it is sent only once and not worth preparing.
    let name: String?
    let sql: String
    let parameters: [PostgresType]
    /// Whether each parameter is a whole column: one row of values after the other becomes one array per column.
    let takesRows: Bool

    /// A statement with one value for each of `$1`, `$2` and so on.
    init(_ name: String?, _ parameters: [PostgresType] = [], _ sql: String) {
        self.name = name
        self.sql = sql
        self.parameters = parameters
        takesRows = false
    }

    /// A statement without parameters.
    init(_ name: String, _ sql: String) {
        self.init(name, [], sql)
    }

    /// A statement over any number of given rows.
    ///
    /// - Parameter sql: makes the text of the table expression that it gets: the rows under the name `given`, with
    ///   their number from 1 on as `nth`.
    init(_ name: String, rows columns: KeyValuePairs<String, PostgresType>, _ sql: (String) -> String) {
        self.name = name
        parameters = columns.map(\.value)
        takesRows = true
        let arrays = columns.enumerated().map { "$\($0 + 1)::\($1.value.name)[]" }.joined(separator: ", ")
        let names = columns.map(\.key).joined(separator: ", ")
        self.sql = sql("unnest(\(arrays)) WITH ORDINALITY AS given(\(names), nth)")
    }
}

/// A statement with the values for one execution.
struct PostgresQuery: Sendable {
    let statement: PostgresStatement
    let arguments: PostgresArguments

    init(_ statement: PostgresStatement, _ values: [SQLValue] = []) {
        self.statement = statement
        arguments = PostgresArguments(values, types: statement.parameters)
    }

    init(_ statement: PostgresStatement, rows: [[SQLValue]]) {
        self.statement = statement
        arguments = PostgresArguments(rows: rows, types: statement.parameters)
    }
}
