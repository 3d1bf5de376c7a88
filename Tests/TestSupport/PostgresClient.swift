internal import CPostgres
internal import Kafka

/// The few calls of libpq that tests need, each with a connection and a thread of its own.
enum PostgresClient {
    static func answers(_ url: String) async throws -> Bool {
        try await onThread { PQping(url + "?connect_timeout=2") == PQPING_OK }
    }

    /// - Returns: the rows of the last statement, NULL as nil.
    static func execute(_ sql: String, _ url: String) async throws -> [[String?]] {
        try await onThread {
            let connection = PQconnectdb(url)
            defer { PQfinish(connection) }
            let result = PQexec(connection, sql)
            defer { PQclear(result) }
            guard [PGRES_COMMAND_OK, PGRES_TUPLES_OK].contains(PQresultStatus(result)) else {
                throw PostgresServer.Failure(
                    description: PQerrorMessage(connection).map { String(cString: $0) } ?? "no connection")
            }
            return (0..<PQntuples(result)).map { row in
                (0..<PQnfields(result)).map { column in
                    PQgetisnull(result, row, column) == 1
                        ? nil : PQgetvalue(result, row, column).map { String(cString: $0) }
                }
            }
        }
    }

    private static func onThread<Output: Sendable>(
        _ body: @escaping @Sendable () throws -> Output
    ) async throws -> Output {
        try await withCheckedThrowingContinuation { continuation in
            do {
                try DedicatedThread.start(name: "postgres-client", operation: "ask PostgreSQL") {
                    continuation.resume(with: Result { try body() })
                }
            } catch {
                continuation.resume(throwing: error)
            }
        }
    }
}
