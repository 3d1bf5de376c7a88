package import Logging

/// A session store in a PostgreSQL database, which the workers of many machines can share.
///
/// Half of its connections at most write, each with a thread of its own, and each for some of the partitions: the writes that
/// come in during a transaction make up the next one (``WriterLane``). The others read, and never wait for a write.
/// Connections are made when they are first needed, and again when they were lost.
///
/// The tables are called `carryon_…` and lie in the first schema of the connection's `search_path`. A connection pooler
/// between the store and the server has to pool whole sessions: statements are prepared once per connection.
package final class PostgresSessionStore: SessionStore {
    private let lanes: [WriterLane]
    private let readers: ReaderPool
    private let end = ThreadsEnd()
    private let patience: PostgresPatience

    /// Connects, and creates or migrates the tables. Any number of processes may do so at once.
    ///
    /// Blocks the calling thread until the server has answered, and for as long as somebody else migrates.
    ///
    /// - Parameters:
    ///   - url: `postgres://` or `postgresql://`, with all that libpq knows; what it leaves out comes from libpq's
    ///     environment variables.
    ///   - connections: How many connections there may be, at least 2.
    ///   - mustExist: Refuses to make or change tables, for programs that only look.
    ///   - patience: How long to wait for the server.
    ///   - logger: Gets what does not concern any single call.
    ///   - onStep: For fault injection: called on the store's own threads at each ``CommitStep``.
    /// - Throws: `rejected` if the URL, the login or the database is not right, `schemaTooNew` if a newer version made
    ///   the tables, `unavailable` if the server cannot be reached.
    package init(
        url: String, connections: Int = 3, mustExist: Bool = false, patience: PostgresPatience = PostgresPatience(),
        logger: Logger = Logger(label: "carryon.store"), onStep: (@Sendable (CommitStep) -> Void)? = nil
    ) throws(StoreError) {
        let address = try PostgresAddress(url: url, patience: patience)
        try Self.prepare(address, mustExist: mustExist, patience: patience)
        let end = end
        let writing = max(1, connections / 2)
        lanes = (0..<writing).map { _ in
            WriterLane(.init(address: address, patience: patience, logger: logger, onStep: onStep), end: end)
        }
        readers = ReaderPool(
            address, patience: patience, count: max(1, connections - writing), logger: logger, end: end)
        self.patience = patience
        for lane in lanes { lane.start() }
        readers.start()
    }

    deinit {
        stop()
    }

    private static func prepare(
        _ address: PostgresAddress, mustExist: Bool, patience: PostgresPatience
    ) throws(StoreError) {
        let operation = "opening PostgreSQL at \(address.name)"
        do {
            let connection = try PostgresConnection(address, deadline: .now + address.connectTimeout)
            try PostgresSchema.prepare(
                connection, name: address.name, mustExist: mustExist, patience: patience.answer)
        } catch let failure as PostgresFailure where failure.isOfSettings {
            throw StoreError(code: .rejected, operation: operation, reason: failure.description)
        } catch {
            throw StoreError(error, while: operation)
        }
    }

    /// How many writes wait for a group.
    var queuedCount: Int { lanes.reduce(0) { $0 + $1.queue.count } }

    package func close() async throws(StoreError) {
        stop()
        await end.wait()
    }

    private func stop() {
        for lane in lanes { lane.queue.close() }
        readers.close()
    }

    /// All writes of a partition go the same way: two transactions of our own would only wait for each other's rows of
    /// its fence and its log.
    private func lane(_ partition: Int32) -> WriterLane {
        lanes[Int(partition.magnitude) % lanes.count]
    }

    func write(
        _ operation: @autoclosure @escaping @Sendable () -> String, _ write: SessionWrite
    ) async throws(StoreError) -> WriteResult {
        if let reason = write.unstorableText {
            throw StoreError(code: .rejected, operation: operation(), reason: reason)
        }
        let queue = lane(write.fence.partition).queue
        return try await submit(operation(), to: queue, patience: patience.write) { answer in
            .grouped(write, answer: answer)
        }
    }

    /// A transaction of its own, in its place among the writes of the partition.
    ///
    /// - Parameter patience: For a server that is away; by default, as long as any write has.
    func transact<Output: Sendable>(
        _ operation: @autoclosure @escaping @Sendable () -> String, partition: Int32, patience: Duration? = nil,
        _ body: @escaping @Sendable (PostgresTransaction) throws -> Output
    ) async throws(StoreError) -> Output {
        let patience = patience ?? self.patience.write
        return try await submit(operation(), to: lane(partition).queue, patience: patience) { answer in
            .alone { transaction in
                let output = try body(transaction)
                return { answer(output) }
            }
        }
    }

    private func submit<Output: Sendable>(
        _ operation: @autoclosure @escaping @Sendable () -> String, to queue: WriteQueue, patience: Duration,
        _ work: (@escaping @Sendable (Output) -> Void) -> WaitingWrite.Work
    ) async throws(StoreError) -> Output {
        let result: Result<Output, StoreError> = await withCheckedContinuation { continuation in
            let write = WaitingWrite(
                work: work { continuation.resume(returning: .success($0)) }, deadline: .now + patience,
                fail: { error in continuation.resume(returning: .failure(StoreError(error, while: operation()))) })
            if !queue.append(write) { write.fail(StoreError.closed(while: operation())) }
        }
        return try result.get()
    }

    /// Asks all queries in one round trip and one snapshot.
    func read<Output: Sendable>(
        _ operation: @autoclosure @escaping @Sendable () -> String, _ queries: [PostgresQuery],
        _ decode: @escaping @Sendable ([PostgresRows]) throws -> Output
    ) async throws(StoreError) -> Output {
        let result: Result<Output, StoreError> = await withCheckedContinuation { continuation in
            let read = ReaderPool.Read(queries: queries) { answer in
                do {
                    continuation.resume(returning: .success(try decode(try answer.get())))
                } catch {
                    continuation.resume(returning: .failure(StoreError(error, while: operation())))
                }
            }
            if !readers.append(read) {
                continuation.resume(returning: .failure(.closed(while: operation())))
            }
        }
        return try result.get()
    }
}
