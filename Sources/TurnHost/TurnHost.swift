package import ChatAgent
import Conversation
import Kafka
package import Logging
package import SessionStore
import Synchronization

/// The child: holds sessions, runs their turns, writes their events and settles them.
///
/// Commands come in through ``send(_:)``, from a consumer in this process or across a socket; what becomes of the
/// requests goes back through the report handler.
package final class TurnHost: HostLink {
    private let environment: HostEnvironment
    private let sessions: SessionTable
    private let recovery: RecoveryReading
    /// What was counted in this process and is to be reported; `nil` if it is kept here.
    private let takeCounts: (@Sendable () -> [UInt8]?)?
    private let grants = Mutex<[Int64: Grant]>([:])

    /// - Parameters:
    ///   - clock: what sleeps, sleeps by it.
    ///   - now: milliseconds since 1970.
    ///   - onStep: called at each named step of a turn, on the turn's task.
    ///   - flushReports: returns when the reports so far survive this process. It is waited for before the agent's code
    ///     runs in a turn.
    ///   - takeCounts: what was counted since the last call, to be reported every now and then.
    ///   - onReport: called for each report, from any thread; must not block.
    package init(
        agent: any ChatAgent, options: HostOptions, store: any SessionStore, log: any EventLog, logger: Logger,
        clock: any Clock<Duration> = ContinuousClock(), now: @escaping @Sendable () -> Int64,
        onStep: @escaping @Sendable (TurnStep) -> Void = { _ in },
        flushReports: @escaping @Sendable () async -> Void = {}, takeCounts: (@Sendable () -> [UInt8]?)? = nil,
        onReport: @escaping @Sendable (HostReport) -> Void
    ) {
        environment = HostEnvironment(
            options: options, store: store, log: log, loop: TurnLoop(agent: agent, logger: logger),
            permits: Permits(options.concurrency), ticker: FlushTicker(window: options.flushWindow), clock: clock,
            now: now,
            reached: onStep, report: onReport, flushReports: flushReports, logger: logger)
        self.takeCounts = takeCounts
        let loop = environment.loop
        let sessions = SessionTable(maximumBytes: options.sessionCacheBytes) { session, locals in
            Task { await loop.evicted(session, locals) }
        }
        self.sessions = sessions
        recovery = RecoveryReading(log: log, sessions: { sessions.sessions(under: $0) }, logger: logger)
    }

    /// How many sessions are held in memory, busy or idle.
    package var sessionCount: Int { sessions.count }

    /// How the host is.
    package var vitals: HostVitals {
        environment.pulse.vitals(
            sessions: sessions.count, eventsStalled: environment.log.stalledFor,
            eventsOutstanding: environment.log.outstandingCount)
    }

    package func send(_ command: HostCommand) {
        switch command {
        case .configure: environment.report(.ready)
        case .grant(let partition): grant(partition)
        case .dispatch(let requests): for request in requests { dispatch(request) }
        case .caughtUp(let assignment): grant(of: assignment)?.catchUp()
        case .revoke(let assignments, let grace): for assignment in assignments { revoke(assignment, grace: grace) }
        case .lose(let assignments): for assignment in assignments { lose(assignment) }
        case .askVitals:
            // From where turns run: that it takes long to come tells of them.
            Task { [environment] in
                environment.report(.vitals(vitals))
                reportCounts()
                // Without a turn to try it there would be nobody to find out that it is back.
                if environment.pulse.isStoreFailing, (try? await environment.store.probe()) != nil {
                    environment.pulse.storeWorked()
                }
            }
        case .stopAhead(let stops): for stop in stops { stopAhead(stop) }
        case .adjust(let tuning):
            environment.live.tuning = tuning
            environment.permits.resize(to: tuning.concurrency)
        case .pause(let assignments): for assignment in assignments { grant(of: assignment)?.pause() }
        case .resume(let assignments): for assignment in assignments { grant(of: assignment)?.resume() }
        case .park(let sessions): environment.live.park(sessions)
        }
    }

    /// What is not reported is lost with the process.
    private func reportCounts() {
        if let counts = takeCounts?() { environment.report(.counted(counts)) }
    }

    /// Every assignment counts as lost.
    package func close() {
        send(.lose(assignments: grants.withLock { Array($0.keys) }))
    }

    private func grant(of assignment: Int64) -> Grant? {
        grants.withLock { $0[assignment] }
    }

    private func grant(_ partition: PartitionGrant) {
        let preparation = Task { [environment] in try await Self.prepare(partition, environment) }
        let grant = Grant(partition, preparation: preparation) { [weak self] in self?.yielded(partition.assignment) }
        grants.withLock { $0[partition.assignment] = grant }
    }

    /// Reads what has to be known of a partition; waits for a store that is away, until the assignment ends.
    private static func prepare(
        _ partition: PartitionGrant, _ environment: HostEnvironment
    ) async throws -> Grant.Preparation {
        var delay = Duration.milliseconds(20)
        while true {
            do {
                let runs = try await environment.store.openRuns(log: partition.log)
                environment.pulse.storeWorked()
                return Grant.Preparation(openRuns: Dictionary(grouping: runs, by: \.session))
            } catch {
                guard error.isTransient else { throw error }
                environment.pulse.storeFailed()
                environment.logger.warning(
                    "The session store is away.",
                    metadata: ["partition": "\(partition.log.partition)", "error": "\(error)"])
                try await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(2))
            }
        }
    }

    private func dispatch(_ request: Dispatch) {
        guard let grant = grant(of: request.assignment) else { return }
        grant.noteDispatch(request.record.offset)
        let (session, isIdle) = sessions.deliver(request)
        if case .stop(let reason) = request.request.kind {
            let position = LogPosition(log: grant.log, offset: request.record.offset)
            let stop = HostedSession.Stop(position: position, reason: reason, forward: request.record.forward)
            overtake(stop, keys: request.keys, session)
        }
        if environment.loop.onBusy == .interrupt, request.userMessage != nil { interrupt(request, session) }
        guard isIdle else { return }
        let executor = TurnExecutor(
            environment: environment, recovery: recovery, grant: { [weak self] in self?.grant(of: $0) },
            onFenced: { [weak self] in self?.fenced($0) }, onIdle: { [sessions] in sessions.idle($0, bytes: $1) })
        Task { await executor.run(session) }
    }

    /// Ends the turn that runs for the sake of a newer message, if that is going to be answered.
    private func interrupt(_ request: Dispatch, _ session: HostedSession) {
        if request.keys.isEmpty, request.request.deadline == nil {
            return session.interrupt(by: request)
        }
        Task { [environment] in
            if await !environment.becomingTurns([request], of: session).isEmpty { session.interrupt(by: request) }
        }
    }

    /// Has a stop take effect that is still to be dispatched. A session with no request here has no turn to stop.
    private func stopAhead(_ stop: StopAhead) {
        guard let grant = grant(of: stop.assignment), let session = sessions.session(stop.session) else { return }
        let position = LogPosition(log: grant.log, offset: stop.offset)
        let forward = stop.forwardedFrom.flatMap { Forward(reference: $0) }
        overtake(
            HostedSession.Stop(position: position, reason: stop.reason, forward: forward),
            keys: [forward?.idempotencyKey(nil), stop.idempotencyKey].compactMap(\.self), session)
    }

    /// Has a stop take effect ahead of its place, unless it is the duplicate of one that did.
    private func overtake(_ stop: HostedSession.Stop, keys: [String], _ session: HostedSession) {
        if keys.isEmpty { return session.overtake(stop) }
        // A key is on record when its first request is settled, and that one may still wait here.
        if keys.contains(where: { session.holds($0, before: stop.position.offset) }) { return }
        Task { [store = environment.store] in
            for key in keys {
                // With the store away nothing is known of the key; the stop is looked at again in its place.
                let first = try? await store.idempotencyKey(session: session.id, key: key)
                if let first, !stop.stands(at: first) { return }
            }
            session.overtake(stop)
        }
    }

    /// Lets turns that run go on to their end for `grace`; those that are left then yield.
    private func revoke(_ assignment: Int64, grace: Duration) {
        guard let grant = grant(of: assignment) else {
            environment.report(.yielded(assignments: [assignment]))
            return
        }
        grant.yield()
        guard grace > .zero else {
            sessions.end(.handedOver, assignment: assignment)
            return
        }
        Task { [sessions] in
            try? await Task.sleep(for: grace)
            sessions.end(.handedOver, assignment: assignment)
        }
    }

    private func yielded(_ assignment: Int64) {
        forget(assignment)
        // The host may be ended as soon as nothing is left in it.
        reportCounts()
        environment.report(.yielded(assignments: [assignment]))
    }

    /// Somebody took the partition's fence: nothing of it is to be written here until it is granted again.
    private func fenced(_ assignment: Int64) {
        if lose(assignment) { environment.report(.fenced(assignment: assignment)) }
    }

    /// - Returns: whether it is news.
    @discardableResult
    private func lose(_ assignment: Int64) -> Bool {
        guard let grant = grant(of: assignment), grant.lose() else { return false }
        sessions.end(.lost, assignment: assignment)
        forget(assignment)
        return true
    }

    private func forget(_ assignment: Int64) {
        grants.withLock { $0.removeValue(forKey: assignment) }?.preparation.cancel()
        recovery.forget(assignment)
    }
}
