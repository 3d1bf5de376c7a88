/// What a new connection is told before anything else is asked of it.
enum PostgresSettings {
    /// A connection that writes.
    ///
    /// - A worker that falls silent in the middle of a transaction holds locks that its successor needs to take the
    ///   fence: the server ends its session soon.
    /// - Whoever waits for a lock is told why it does not get it before it takes the server for dead.
    /// - A server that cannot write is found out by what it says to the first lock, and only then.
    static func writing(_ patience: PostgresPatience) -> PostgresQuery {
        let milliseconds = patience.answer / .milliseconds(1)
        return query([
            ("idle_in_transaction_session_timeout", "'\(Int(milliseconds / 2))ms'"),
            ("lock_timeout", "'\(Int(milliseconds * 3 / 4))ms'"), ("default_transaction_read_only", "'off'"),
        ])
    }

    /// A connection that reads: all statements that are sent together see the database at the same moment.
    static let reading = query(
        [("default_transaction_isolation", "'repeatable read'"), ("default_transaction_read_only", "'on'")])

    /// - What is answered as written must survive the server's death, whatever the database's default is.
    /// - Every statement finds its rows by an index. The planner must not choose otherwise because a table was small
    ///   when a statement was planned, or because nothing is known yet of a new one; and what it is forbidden has such
    ///   a price that it would compile even the smallest statement.
    private static let common = [
        ("synchronous_commit", durable), ("enable_seqscan", "'off'"), ("enable_hashjoin", "'off'"),
        ("enable_mergejoin", "'off'"), ("jit", "'off'"), ("statement_timeout", "'0'"),
        ("client_min_messages", "'error'"),
    ]

    private static let durable = """
        CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END
        """

    private static func query(_ settings: [(name: String, value: String)]) -> PostgresQuery {
        let calls = (common + settings).map { "set_config('\($0.0)', \($0.1), false)" }
        return PostgresQuery(PostgresStatement(nil, [], "SELECT \(calls.joined(separator: ", "))"))
    }
}
