import Logging

/// One connection that is made when it is needed, and made again when it was lost. Used by one thread.
final class PostgresLink {
    private let address: PostgresAddress
    private let patience: PostgresPatience
    private let session: PostgresQuery
    private let logger: Logger
    private var connection: PostgresConnection?
    private var outage: Outage?

    private struct Outage {
        var failure: PostgresFailure
        var delay: Duration
        var nextAttempt: ContinuousClock.Instant
    }

    /// - Parameter session: what each new connection is told first.
    init(_ address: PostgresAddress, patience: PostgresPatience, session: PostgresQuery, logger: Logger) {
        self.address = address
        self.patience = patience
        self.session = session
        self.logger = logger
    }

    /// The end of a round trip that begins now.
    var answerDeadline: ContinuousClock.Instant { .now + patience.answer }

    /// When ``connected(by:)`` may do more than say what failed the last time; nil if it is connected.
    var nextAttempt: ContinuousClock.Instant? { connection == nil ? outage?.nextAttempt : nil }

    /// The connection there is, or a new one. Fails at once while it is too early for another attempt.
    func connected(by deadline: ContinuousClock.Instant) throws(PostgresFailure) -> PostgresConnection {
        if let connection {
            if connection.isAlive() { return connection }
            // It was idle, so that nothing is lost with it: the first attempt at another one need not wait.
            self.connection = nil
        }
        if let outage, outage.nextAttempt > .now { throw outage.failure }
        do throws(PostgresFailure) {
            let connection = try PostgresConnection(address, deadline: deadline)
            _ = try connection.ask([session], deadline: deadline)
            self.connection = connection
            return connection
        } catch {
            lose(error)
            throw error
        }
    }

    /// Lets go of the connection. The next attempt is made at once, and those after it wait longer each time, up to two
    /// seconds.
    func lose(_ failure: PostgresFailure) {
        connection = nil
        guard let last = outage else {
            logger.warning(
                "the database is away", metadata: ["database": "\(address.name)", "reason": "\(failure)"])
            outage = Outage(failure: failure, delay: .milliseconds(50), nextAttempt: .now)
            return
        }
        outage = Outage(
            failure: failure, delay: min(last.delay * 2, .seconds(2)),
            nextAttempt: .now + last.delay * Double.random(in: 0.5...1))
    }

    /// The connection has done what it was asked to: from now on a failure is the first of its kind.
    func proven() {
        guard outage != nil else { return }
        outage = nil
        logger.info("the database is back", metadata: ["database": "\(address.name)"])
    }

    func close() {
        connection = nil
    }
}
