import Foundation
import Logging
import Telemetry

/// One thread with one connection that does the writes of some of the partitions, as many in a transaction as came in
/// during the one before: a durable commit costs a disk flush and a round trip whatever its size.
final class WriterLane: Sendable {
    struct Configuration: Sendable {
        let address: PostgresAddress
        let patience: PostgresPatience
        let logger: Logger
        let onStep: (@Sendable (CommitStep) -> Void)?
    }

    private static let mostConflicts = 8

    let queue = WriteQueue()
    private let configuration: Configuration
    private let end: ThreadsEnd

    init(_ configuration: Configuration, end: ThreadsEnd) {
        self.configuration = configuration
        self.end = end
    }

    func start() {
        end.expectOne()
        let thread = Thread { self.work() }
        thread.name = "session-store-write"
        thread.start()
    }

    private func work() {
        let link = PostgresLink(
            configuration.address, patience: configuration.patience,
            session: PostgresSettings.writing(configuration.patience),
            logger: configuration.logger)
        var logKeys: [LogIdentity: Int64] = [:]
        while let writes = queue.next() { perform(writes, link, &logKeys) }
        link.close()
        end.noteOne()
    }

    /// Answers every one of the writes, sooner or later.
    private func perform(_ writes: [WaitingWrite], _ link: PostgresLink, _ logKeys: inout [LogIdentity: Int64]) {
        var writes = writes
        var conflicts = 0
        while !writes.isEmpty {
            let connection: PostgresConnection
            do throws(PostgresFailure) {
                connection = try link.connected(by: connectDeadline(of: writes))
            } catch {
                writes = failOverdue(writes, error)
                pause(until: link.nextAttempt, for: writes)
                continue
            }
            do throws(TransactionFailure) {
                let began = ContinuousClock.now
                let answers = try transact(writes, connection, &logKeys)
                MetricCatalog.storeCommitDuration.record(since: began)
                MetricCatalog.storeCommitWrites.record(Double(writes.count))
                for answer in answers { answer() }
                link.proven()
                return
            } catch {
                switch error {
                case .unknown(let failure):
                    link.lose(failure)
                    for write in writes { write.fail(UnknownCommit(failure: failure)) }
                    return
                case .undone(let failure as PostgresFailure):
                    writes = retry(writes, failure, link, &conflicts, &logKeys)
                case .undone(let other) where writes.count == 1:
                    for write in writes { write.fail(other) }
                    return
                case .undone:
                    // Something in the database that means nothing: it is in the way of one of them only.
                    for write in writes { perform([write], link, &logKeys) }
                    return
                }
            }
        }
    }

    /// Does what there is to do about writes whose transaction has left nothing behind.
    ///
    /// - Returns: those that are to be tried again together.
    private func retry(
        _ writes: [WaitingWrite], _ failure: PostgresFailure, _ link: PostgresLink, _ conflicts: inout Int,
        _ logKeys: inout [LogIdentity: Int64]
    ) -> [WaitingWrite] {
        switch failure.remedy {
        case .reconnect:
            link.lose(failure)
            return failOverdue(writes, failure)
        case .again where conflicts < Self.mostConflicts:
            conflicts += 1
            Thread.sleep(forTimeInterval: .random(in: 0...0.002) * Double(1 << conflicts))
            return writes
        case .again where writes.count > 1, .alone where writes.count > 1:
            for write in writes { perform([write], link, &logKeys) }
        case .again, .alone, .giveUp:
            for write in writes { write.fail(failure) }
        }
        return []
    }

    private func transact(
        _ writes: [WaitingWrite], _ connection: PostgresConnection, _ logKeys: inout [LogIdentity: Int64]
    ) throws(TransactionFailure) -> [@Sendable () -> Void] {
        let patience = configuration.patience.answer
        if case .alone(let body)? = writes.first?.work {
            return try PostgresTransaction.perform(on: connection, patience: patience) { transaction, _ in
                ([try body(transaction)], [])
            }
        }
        let grouped = writes.compactMap { write in
            if case .grouped(let sessionWrite, let answer) = write.work { (sessionWrite, answer) } else { nil }
        }
        let group = WriteGroup(grouped.map(\.0), logKeys: logKeys)
        let onStep = configuration.onStep
        let results = try PostgresTransaction.perform(
            on: connection, patience: patience, first: group.questions,
            beforeCommit: onStep.map { onStep in
                { _ in onStep(.inTransaction(sessions: group.settledSessions)) }
            }
        ) { transaction, found in
            try group.decide(found, transaction)
        }
        logKeys = group.logKeys
        return zip(grouped, results).map { write, result in { write.1(result) } }
    }

    /// An attempt to connect may take as long as the first of the writes may wait, but not next to no time.
    private func connectDeadline(of writes: [WaitingWrite]) -> ContinuousClock.Instant {
        max(writes.map(\.deadline).min() ?? .now, .now + .seconds(1))
    }

    private func failOverdue(_ writes: [WaitingWrite], _ failure: PostgresFailure) -> [WaitingWrite] {
        let now = ContinuousClock.now
        for write in queue.takeOverdue() { write.fail(failure) }
        for write in writes where write.deadline <= now { write.fail(failure) }
        return writes.filter { $0.deadline > now }
    }

    private func pause(until attempt: ContinuousClock.Instant?, for writes: [WaitingWrite]) {
        guard let attempt, let deadline = writes.map(\.deadline).min() else { return }
        let left = ContinuousClock.now.duration(to: min(attempt, deadline))
        if left > .zero { Thread.sleep(forTimeInterval: left / .seconds(1)) }
    }
}

/// The connection was lost while a commit was on its way.
struct UnknownCommit: StoreErrorCause {
    let failure: PostgresFailure

    var code: StoreError.Code { .unavailable }
    var description: String { "whether it was committed is not known: \(failure)" }
}
