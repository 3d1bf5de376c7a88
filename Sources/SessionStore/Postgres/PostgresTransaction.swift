/// What is known of a transaction that has failed.
enum TransactionFailure: Error {
    /// It left nothing behind.
    case undone(any Error)
    /// The connection was lost between the request to commit and the answer.
    case unknown(PostgresFailure)
}

/// One transaction on its way. Used by the thread of its connection.
struct PostgresTransaction {
    private static let begin = PostgresQuery(
        PostgresStatement("begin", "BEGIN ISOLATION LEVEL READ COMMITTED"))
    private static let commit = PostgresQuery(PostgresStatement("commit", "COMMIT"))
    private static let rollback = PostgresQuery(PostgresStatement("rollback", "ROLLBACK"))

    private let connection: PostgresConnection
    private let patience: Duration

    private var deadline: ContinuousClock.Instant { .now + patience }

    /// Begins and does the first statements in the same round trip, hands their rows to `body`, and commits together
    /// with the statements that `body` returns.
    ///
    /// - Parameter beforeCommit: called when everything is done and nothing is committed. Costs a round trip.
    static func perform<Output>(
        on connection: PostgresConnection, patience: Duration, first: [PostgresQuery] = [],
        beforeCommit: ((Output) -> Void)? = nil,
        _ body: (PostgresTransaction, [PostgresRows]) throws -> (Output, [PostgresQuery])
    ) throws(TransactionFailure) -> Output {
        let transaction = PostgresTransaction(connection: connection, patience: patience)
        let (output, last): (Output, [PostgresQuery])
        do {
            let found = try transaction.ask([begin] + first)
            (output, last) = try body(transaction, Array(found.dropFirst()))
            if let beforeCommit {
                if !last.isEmpty { _ = try transaction.ask(last) }
                beforeCommit(output)
            }
        } catch {
            transaction.undo()
            throw .undone(error)
        }
        try transaction.commit(beforeCommit == nil ? last : [])
        return output
    }

    func ask(_ queries: [PostgresQuery]) throws(PostgresFailure) -> [PostgresRows] {
        try connection.ask(queries, deadline: deadline)
    }

    private func commit(_ last: [PostgresQuery]) throws(TransactionFailure) {
        let answers: [Result<[PostgresRows], PostgresFailure>]
        do {
            answers = try connection.exchange([last + [Self.commit]], deadline: deadline)
        } catch {
            throw .unknown(error)
        }
        switch answers.first {
        case .success(let rows)?:
            // A transaction that cannot be committed any more is rolled back without an error.
            guard rows.last?.command == "COMMIT" else {
                throw .undone(PostgresFailure.refused(state: "25P02", message: "the transaction was rolled back"))
            }
        case .failure(let failure)?:
            undo()
            throw .undone(failure)
        case nil:
            throw .unknown(.lost(reason: "no answer came", state: nil))
        }
    }

    /// A connection on which this fails is found out by whoever uses it next.
    private func undo() {
        guard connection.isAlive() else { return }
        _ = try? connection.exchange([[Self.rollback]], deadline: deadline)
    }
}
