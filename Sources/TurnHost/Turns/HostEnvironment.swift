import ChatAgent
import Kafka
import Logging
import SessionStore

/// What everything in a turn host works with.
final class HostEnvironment: Sendable {
    let options: HostOptions
    let store: any SessionStore
    let log: any EventLog
    let loop: TurnLoop
    let permits: Permits
    let ticker: FlushTicker
    /// What a turn waits for goes by this clock: its tools, its provider, what it deferred, a store that is away.
    let clock: any Clock<Duration>
    /// Milliseconds since 1970.
    let now: @Sendable () -> Int64
    /// Called at each named step of a turn.
    let reached: @Sendable (TurnStep) -> Void
    let report: @Sendable (HostReport) -> Void
    /// Returns when the consumer will have every report so far, also if this process dies in the next instant.
    let flushReports: @Sendable () async -> Void
    let logger: Logger
    let pulse = HostPulse()
    let limits: TurnLimits
    let live: LiveState

    init(
        options: HostOptions, store: any SessionStore, log: any EventLog, loop: TurnLoop, permits: Permits,
        ticker: FlushTicker, clock: any Clock<Duration>, now: @escaping @Sendable () -> Int64,
        reached: @escaping @Sendable (TurnStep) -> Void, report: @escaping @Sendable (HostReport) -> Void,
        flushReports: @escaping @Sendable () async -> Void, logger: Logger
    ) {
        self.options = options
        self.store = store
        self.log = log
        self.loop = loop
        self.permits = permits
        self.ticker = ticker
        self.clock = clock
        self.now = now
        self.reached = reached
        self.report = report
        self.flushReports = flushReports
        self.logger = logger
        live = LiveState(tuning: HostTuning(options))
        limits = TurnLimits(
            limit: options.turnTimeout, grace: options.turnTimeoutGrace, clock: clock, logger: logger)
    }

    /// Appends a record and waits for the broker's acknowledgement.
    /// - Returns: the record's offset.
    @discardableResult
    func append(_ record: ProducerRecord) async throws -> Int64 {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Int64, any Error>) in
            log.append(record) { result in continuation.resume(with: result) }
        }
    }

    /// Tries again while the store is away, for as long as the result is this host's to have.
    func persistently<Result>(
        _ grant: Grant, _ body: () async throws -> Result
    ) async throws -> Result {
        var delay = Duration.milliseconds(20)
        while true {
            do {
                let result = try await body()
                pulse.storeWorked()
                return result
            } catch let error as StoreError where error.isTransient && grant.isActive {
                pulse.storeFailed()
                logger.warning("The session store is away.", metadata: ["error": "\(error)"])
                try? await clock.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
        }
    }
}
