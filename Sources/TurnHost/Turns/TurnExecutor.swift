import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore
import Telemetry
import Tracing

/// Carries a session's requests out, one after the other: settles each exactly once, in its order.
///
/// What a streaming turn's frames hold is held for every session that streams. So the functions that wait for the answer
/// do little else: what comes before and after is in others, which the compiler must not put into them.
struct TurnExecutor: Sendable {
    /// What became of one attempt at a request.
    enum Fate: Sendable {
        /// Durably settled, and reported.
        case settled(afterwards: (@Sendable () async -> Void)? = nil)
        /// Not settled, and not this host's to settle any more.
        case letGo
        /// The session is not what it was thought to be: to be read again and tried again.
        case again(reason: String)

        /// Ends the watch over a run whose fate this is, once everything around it is over too.
        @inline(never)
        func keeping(_ watch: TurnLimits.Watch?) -> Fate {
            guard let watch, case .settled(let afterwards?) = self else {
                watch?.end()
                return self
            }
            return .settled {
                await afterwards()
                watch.end()
            }
        }
    }

    let environment: HostEnvironment
    let recovery: RecoveryReading
    let grant: @Sendable (Int64) -> Grant?
    /// Somebody took the fence of this assignment's partition.
    let onFenced: @Sendable (Int64) -> Void
    let onIdle: @Sendable (HostedSession, Int) -> Void

    /// Works through what waits for `session` until nothing does.
    func run(_ session: HostedSession) async {
        while let dispatch = session.next(log: { grant($0)?.log }) {
            guard let grant = grant(dispatch.assignment) else { continue }
            let span = startSpan(of: dispatch, in: session.id)
            await ServiceContext.withValue(span.context) { await carryOut(dispatch, session, grant) }
            span.end()
        }
        onIdle(session, session.historyBytes)
    }

    private func carryOut(_ dispatch: Dispatch, _ session: HostedSession, _ grant: Grant) async {
        var delay = Duration.milliseconds(20)
        while grant.isActive {
            await grant.passPause()
            do {
                switch try await attempt(dispatch, session.renewControl(), session, grant) {
                case .settled(let afterwards):
                    await afterwards?()
                    return
                case .letGo: return
                case .again(let reason): note("A request is tried again: its session has changed.", reason)
                }
            } catch {
                if let error = error as? StoreError, error.isTransient { environment.pulse.storeFailed() }
                note("A request is tried again: what it needs is away.", "\(error)")
            }
            // Not cancelled by anybody; the grant says when to give up.
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, .seconds(2))
        }
    }

    @inline(never)
    private func note(_ message: Logger.Message, _ reason: String) {
        environment.logger.warning(message, metadata: ["reason": "\(reason)"])
    }

    @inline(never)
    private func attempt(
        _ dispatch: Dispatch, _ control: TurnControl, _ session: HostedSession, _ grant: Grant
    ) async throws -> Fate {
        var work = try await takeInHand(dispatch, session, grant)
        var fate = try await settleWithoutRun(&work)
        if fate == nil {
            fate =
                work.request.isTurn
                ? try await runTurn(&work, control, session) : try await runAside(&work, control, session)
        }
        guard case .settled = fate else { return fate ?? .letGo }
        work.keepMemory(in: session)
        return fate ?? .letGo
    }

    /// Settles a request that calls no agent.
    /// - Returns: `nil` for one that does.
    @inline(never)
    private func settleWithoutRun(_ work: inout RequestInHand) async throws -> Fate? {
        let isApplied = work.memory.hasApplied(work.position)
        if !isApplied {
            if let topic = try await topicToFollow(&work) {
                guard work.grant.enter() else { return .letGo }
                defer { work.grant.leave() }
                return try await forward(&work, to: topic)
            }
            if try await isForwardedTwice(work) {
                guard work.grant.enter() else { return .letGo }
                defer { work.grant.leave() }
                return settled(work)
            }
            if let closing = try await closingOfDuplicate(work) { return try await settle(&work, closing) }
            if !work.isBegun, let park = try await park(of: work) {
                return try await settle(&work, .parked(work.requestID, park))
            }
            if let closing = closingWithoutTurn(work) { return try await settle(&work, closing) }
            if work.request.runsAgent { return nil }
        }
        guard work.grant.enter() else { return .letGo }
        defer { work.grant.leave() }
        // A stop that is reached in its order finds no turn in front of it, and needs no trace.
        if isApplied {
            MetricCatalog.duplicates.add()
            try await resendClosing(work)
        }
        return settled(work)
    }

    /// The request with its session's state, which is read if what is remembered is not the newest.
    @inline(never)
    private func takeInHand(
        _ dispatch: Dispatch, _ session: HostedSession, _ grant: Grant
    ) async throws -> RequestInHand {
        let assignment = grant.partition.assignment
        // A request that another host died of comes from there, and so does one that was handed over: what is remembered
        // here is from before.
        if let memory = session.takeMemory() {
            let isCurrent = dispatch.death == nil && dispatch.record.forward == nil
            if memory.assignment == assignment, isCurrent {
                return RequestInHand(dispatch: dispatch, grant: grant, memory: memory)
            }
            if memory.isBooted { await environment.loop.evicted(session.id, memory.locals) }
        }
        let loaded = try await environment.store.loadSession(session.id)
        environment.pulse.storeWorked()
        guard let stored = loaded else {
            return RequestInHand(dispatch: dispatch, grant: grant, memory: SessionMemory(assignment: assignment))
        }
        let memory = SessionMemory(stored, agentState(of: stored), assignment: assignment) { index, error in
            environment.logger.error(
                "A stored message can't be read and is left out of the history.",
                metadata: ["index": "\(index)", "error": "\(error)"])
        }
        return RequestInHand(dispatch: dispatch, grant: grant, memory: memory)
    }

    private func agentState(of stored: StoredSession) -> AgentState {
        do {
            return try AgentState(parsing: stored.state ?? [])
        } catch {
            environment.logger.error(
                "A session's durable locals and summary can't be read and are left out.",
                metadata: ["error": "\(error)"])
            return AgentState()
        }
    }

    /// A death may have fallen between the last settlement and the acknowledgement of its closing event.
    @inline(never)
    private func resendClosing(_ work: RequestInHand) async throws {
        guard let closing = work.memory.lastControl, closing.requestOffset == work.requestOffset,
            work.memory.positions[work.position.log] == work.position.offset
        else { return }
        try await environment.append(work.record(of: closing, options: environment.options))
    }

    /// Whether the request was settled already, and is here again because the worker that forwarded it died or stood still
    /// in between. Nobody needs to hear of that; and nothing is written of it, which would come between the session and
    /// whoever has it by now.
    private func isForwardedTwice(_ work: RequestInHand) async throws -> Bool {
        guard let key = work.forwardedKey, !work.isRedriven else { return false }
        return try await isTaken(key, work)
    }

    /// What closes a request that was settled before under another position.
    private func closingOfDuplicate(_ work: RequestInHand) async throws -> RequestInHand.Closing? {
        let id = work.requestID
        if let key = work.forwardedKey, try await isTaken(key, work) {
            MetricCatalog.duplicates.add()
            return RequestInHand.Closing(control: .duplicate(requestID: id), recordsKey: false)
        }
        if let key = work.request.idempotencyKey, try await isTaken(key, work) {
            MetricCatalog.duplicates.add()
            return RequestInHand.Closing(control: .duplicate(requestID: id), recordsKey: work.isForwarded)
        }
        return nil
    }

    /// What closes a request that needs no turn.
    @inline(never)
    private func closingWithoutTurn(_ work: RequestInHand) -> RequestInHand.Closing? {
        let request = work.request
        let id = work.requestID
        switch request.kind {
        case .stop:
            let needsTrace = request.idempotencyKey != nil || work.isForwarded
            return needsTrace ? RequestInHand.Closing(control: nil) : nil
        case .close:
            return RequestInHand.Closing(control: .closed(requestID: id), closesSession: true)
        case _ where work.memory.isClosed:
            return RequestInHand.Closing(control: .closed(requestID: id))
        case _ where work.memory.leavesOut(work.dispatch, in: work.grant.log):
            return RequestInHand.Closing(control: .skipped(requestID: id))
        case .message(let message) where message.role == .assistant && !environment.loop.ownsHistory:
            guard let base = work.memory.chain.index(answering: message) else {
                let error = TurnError(
                    code: "unknown_tool_call",
                    message: "the message is an assistant's, and answers no call that the session knows")
                return RequestInHand.Closing(control: nil, rejection: error)
            }
            // What is known already changes nothing, and calls no model; unless the turn that made it known was given
            // up, and is wanted again.
            let isNews = work.memory.chain.messages[base].advanced(by: message) != nil
            if isNews || work.isRedriven { return expiry(of: work) }
            return RequestInHand.Closing(control: .duplicate(requestID: id))
        case .message where isTurnedAway(work):
            return RequestInHand.Closing(control: .rejected(requestID: id))
        case .message, .regenerate, .action, .preload: return expiry(of: work)
        }
    }

    /// Whether another request of the session was settled with this key.
    private func isTaken(_ key: String, _ work: RequestInHand) async throws -> Bool {
        let first = try await environment.store.idempotencyKey(session: work.dispatch.session, key: key)
        return first.map { !work.stands(at: $0) } ?? false
    }

    /// Whether the request is a user's message that came while a turn ran, to an agent that takes none then.
    private func isTurnedAway(_ work: RequestInHand) -> Bool {
        work.dispatch.userMessage != nil && work.dispatch.cameWhileBusy && environment.loop.onBusy == .reject
            && !work.isBegun
    }

    /// What closes a request that is reached too late.
    private func expiry(of work: RequestInHand) -> RequestInHand.Closing? {
        // A turn that was begun in time has been reached in time.
        guard let deadline = work.request.deadline, !work.isBegun, environment.now() > deadline.milliseconds else {
            return nil
        }
        return RequestInHand.Closing(control: .expired(requestID: work.requestID))
    }

    @inline(never)
    private func settle(_ work: inout RequestInHand, _ closing: RequestInHand.Closing) async throws -> Fate {
        let grant = work.grant
        guard grant.enter() else { return .letGo }
        defer { grant.leave() }
        if let rejection = closing.rejection {
            try await setAside(work, cause: closing.rejectionCause, rejection, attempts: nil)
        }
        var settlement = work.settlement(at: environment.now(), recordsKey: closing.recordsKey)
        settlement.isClosed = work.memory.isClosed || closing.closesSession
        if let control = closing.control {
            settlement.lastControl = work.closingEvent(control, seq: work.memory.nextSeq, turn: nil, run: nil)
            settlement.nextSeq = work.memory.nextSeq + 1
        }
        if let fate = try await write(settlement, &work) { return fate }
        return try await publishClosing(settlement, work)
    }

    /// Writes a settlement and takes its effect over into the session's memory.
    /// - Returns: the request's fate if that was not it, or `nil` if the settlement is written.
    func write(_ settlement: Settlement, _ work: inout RequestInHand) async throws -> Fate? {
        guard work.grant.isHeld else { return .letGo }
        environment.reached(.beforeSettle)
        let asked = ContinuousClock.now
        switch try await environment.store.settle(settlement) {
        case .written(let revision):
            MetricCatalog.settlementDuration.record(since: asked)
            environment.reached(.afterSettle)
            work.memory.settled(settlement, revision: revision)
            return nil
        case .fenced:
            onFenced(work.grant.partition.assignment)
            return .letGo
        case .conflict(let reason): return .again(reason: reason)
        }
    }

    /// Publishes what closes the request. A broker that is away is waited for: the settlement is written.
    func publishClosing(_ settlement: Settlement, _ work: RequestInHand) async throws -> Fate {
        if let closing = settlement.lastControl {
            try await environment.append(work.record(of: closing, options: environment.options))
        }
        return settled(work)
    }

    /// The request is settled: says so, before its work counts as over.
    func settled(_ work: RequestInHand) -> Fate {
        environment.reached(.beforeCommit)
        environment.report(.settled(entries: [work.dispatch.entry]))
        return .settled()
    }

    /// Writes the request to the dead letters, and waits for the broker's acknowledgement.
    func setAside(
        _ work: RequestInHand, cause: DeadLetter.Cause, _ error: TurnError, attempts: Int?
    ) async throws {
        let letter = DeadLetter(
            record: work.dispatch.record, consumerGroup: environment.options.groupID, cause: cause, code: error.code,
            message: error.message, attempts: attempts, turn: work.request.isTurn ? work.memory.turns : nil,
            checkpointRevision: work.memory.revision)
        try await environment.append(letter.producerRecord(topic: environment.options.deadLettersTopic))
        MetricCatalog.deadLetters.add(1, cause.rawValue)
    }
}
