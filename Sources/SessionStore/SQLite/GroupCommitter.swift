import Foundation
import GRDB
import Logging
import Synchronization
import Telemetry

/// Group commit: one thread that does all writes of a store, as many in a transaction as came in during the one before.
///
/// A durable commit costs a disk flush whatever its size, so that the more tasks wait, the less each of them pays; and
/// a task that is alone does not wait for others.
final class GroupCommitter: Sendable {
    private static let largestGroup = 512

    private enum Life {
        case running(waitingForEnd: [CheckedContinuation<Void, Never>])
        case ended
    }

    private let pool: DatabasePool
    private let writerTurn: WriterTurn
    private let logger: Logger
    private let onStep: (@Sendable (CommitStep) -> Void)?
    private let queue = CommitQueue()
    private let life = Mutex(Life.running(waitingForEnd: []))

    /// Starts the thread. Nobody else may write through `pool`, which the thread closes when it ends.
    init(
        pool: DatabasePool, writerTurn: WriterTurn, logger: Logger, onStep: (@Sendable (CommitStep) -> Void)?
    ) {
        self.pool = pool
        self.writerTurn = writerTurn
        self.logger = logger
        self.onStep = onStep
    }

    func start() {
        let thread = Thread { self.work() }
        thread.name = "session-store-commit"
        thread.start()
    }

    /// How many writes wait for the group that is being committed.
    var queuedCount: Int { queue.count }

    /// Returns what `body` returned, once it is durable. `body` runs on the committer's thread, and more than once if
    /// another write of its group fails.
    func submit<Output: Sendable>(
        _ operation: @autoclosure @escaping @Sendable () -> String,
        _ body: @escaping @Sendable (GroupTransaction) throws -> Output
    ) async throws(StoreError) -> Output {
        let result: Result<Output, StoreError> = await withCheckedContinuation { continuation in
            let write = QueuedWrite(
                perform: { transaction in
                    let output = try body(transaction)
                    return { continuation.resume(returning: .success(output)) }
                },
                fail: { error in continuation.resume(returning: .failure(StoreError(error, while: operation()))) })
            if !queue.append(write) { write.fail(StoreError.closed(while: operation())) }
        }
        return try result.get()
    }

    /// Lets the thread end when it has done what is queued. Does not wait.
    func stop() {
        queue.close()
    }

    func waitForEnd() async {
        await withCheckedContinuation { continuation in
            let hasEnded = life.withLock { life in
                switch life {
                case .ended:
                    return true
                case .running(let waiting):
                    life = .running(waitingForEnd: waiting + [continuation])
                    return false
                }
            }
            if hasEnded { continuation.resume() }
        }
    }

    private func work() {
        var logKeys: [LogIdentity: Int64] = [:]
        while let group = queue.next(limit: Self.largestGroup) {
            commit(group, logKeys: &logKeys)
        }
        do {
            try pool.close()
        } catch {
            // Every acknowledged write is durable all the same, and the connections are closed when the pool goes.
            logger.warning("closing the session store left something open", metadata: ["error": "\(error)"])
        }
        let waiting = life.withLock { life in
            guard case .running(let waiting) = life else { return [CheckedContinuation<Void, Never>]() }
            life = .ended
            return waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    private func commit(_ group: [QueuedWrite], logKeys: inout [LogIdentity: Int64]) {
        do {
            let began = ContinuousClock.now
            let acknowledgements = try transact(group, logKeys: &logKeys)
            MetricCatalog.storeCommitDuration.record(since: began)
            MetricCatalog.storeCommitWrites.record(Double(group.count))
            for acknowledge in acknowledgements { acknowledge() }
        } catch let failure as WriteFailure where group.count > 1 && failure.mayBeOfOneWriteOnly {
            // One write that the database cannot take must not fail its neighbours.
            for write in group { commit([write], logKeys: &logKeys) }
        } catch let failure as WriteFailure {
            for write in group { write.fail(failure.error) }
        } catch {
            for write in group { write.fail(error) }
        }
    }

    private func transact(
        _ group: [QueuedWrite], logKeys: inout [LogIdentity: Int64]
    ) throws -> [@Sendable () -> Void] {
        try writerTurn.take()
        defer { writerTurn.give() }
        let (acknowledgements, keys) = try pool.writeWithoutTransaction { database in
            try database.beginTransaction(.immediate)
            do {
                let transaction = GroupTransaction(database: database, logKeys: logKeys)
                let acknowledgements = try group.map { write in
                    do { return try write.perform(transaction) } catch { throw WriteFailure(error: error) }
                }
                try transaction.finish()
                onStep?(.inTransaction(sessions: transaction.settledSessions))
                try database.commit()
                return (acknowledgements, transaction.logKeys)
            } catch {
                // Fails only if SQLite has rolled back by itself; the first error is the one that tells.
                try? database.rollback()
                throw error
            }
        }
        logKeys = keys
        return acknowledgements
    }
}

/// A write of a group threw, as opposed to the transaction itself.
private struct WriteFailure: Error {
    let error: any Error

    /// A full disk or a damaged file fails every write of the group; trying each of them again would only take longer.
    var mayBeOfOneWriteOnly: Bool {
        switch StoreError(error, while: "").code {
        case .rejected: true
        case .unavailable, .corrupt, .schemaTooNew, .diskFull, .closed, .cancelled, .invalidCursor: false
        }
    }
}
