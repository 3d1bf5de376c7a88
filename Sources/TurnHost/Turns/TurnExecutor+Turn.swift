import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore
import Telemetry
import Tracing

extension TurnExecutor {
    /// One run of a turn: begun in the store before anything of it is published, settled after everything of it is
    /// acknowledged.
    @inline(never)
    func runTurn(
        _ work: inout RequestInHand, _ control: TurnControl, _ session: HostedSession
    ) async throws -> Fate {
        session.loaded(appliedAhead: work.memory.appliedAhead)
        work.takeBackGivenUpTurn()
        let answer = work.place(messageID: "\(session.id)-answer-\(work.memory.turns)")
        let takeover = try await self.takeover(work)
        let permit = await self.permit(for: work)
        defer { permit.release() }
        let grant = work.grant
        guard grant.enter() else { return .letGo }
        defer { grant.leave() }

        let begun = try await begin(work, takeover, answer, control)
        let pulse = environment.pulse.began(session.id)
        defer { environment.pulse.ended(pulse) }
        let limit = environment.limits.watch(begun.run, control)
        do {
            return try await answered(begun, takeover, answer, &work, control, session, permit).keeping(limit)
        } catch {
            limit?.end()
            throw error
        }
    }

    // What comes before the answer and what comes after it are functions of their own, for the sake of the memory that a
    // turn takes while it streams: see `PreparedTurn`.
    private func answered(
        _ begun: BegunRun, _ takeover: Takeover?, _ answer: AnswerPlace, _ work: inout RequestInHand,
        _ control: TurnControl, _ session: HostedSession, _ permit: Permits.Permit
    ) async throws -> Fate {
        switch try await prepare(&work, takeover, answer, begun, control, session) {
        case .over(let fate): return fate
        case .ready(let turn):
            let result = await environment.loop.run(
                turn.plan, on: Self.takeChain(of: &work), output: begun.writer, control: control,
                support: turn.support)
            return try await conclude(result, turn, begun, &work, session, control, permit)
        }
    }

    /// The history, for the turn loop to work on in place.
    @inline(never)
    private static func takeChain(of work: inout RequestInHand) -> Chain {
        var chain = Chain()
        swap(&chain, &work.memory.chain)
        return chain
    }

    /// Everything that comes before the answer.
    @inline(never)
    private func prepare(
        _ work: inout RequestInHand, _ takeover: Takeover?, _ answer: AnswerPlace, _ begun: BegunRun,
        _ control: TurnControl, _ session: HostedSession
    ) async throws -> PreparedTurn.Outcome {
        let grant = work.grant
        // Code that may kill its host is run for a request that may have done so before only once its run is on record;
        // for one that has just come in, the model's first token need not wait for the disk.
        if takeover != nil || work.dispatch.death != nil || grant.wasWaiting(work.position.offset) {
            if let fate = try await refusal(begun, grant) { return .over(fate) }
        }
        let lifecycle = TurnLifecycle(background: work.memory.background)
        // A request that is over its budget may have killed its hosts in any of the agent's code.
        if takeover?.exhausted == nil { await tellLoaded(&work, begun, lifecycle, control) }
        if let takeover {
            return try await prepareRecovery(&work, takeover, answer, begun, lifecycle, control, session)
        }
        if environment.loop.onBusy == .interrupt, await isPassedOver(work, session) { control.end(.interrupted) }
        return ready(nil, work, answer, begun, lifecycle, control, session)
    }

    @inline(never)
    private func prepareRecovery(
        _ work: inout RequestInHand, _ takeover: Takeover, _ answer: AnswerPlace, _ begun: BegunRun,
        _ lifecycle: TurnLifecycle, _ control: TurnControl, _ session: HostedSession
    ) async throws -> PreparedTurn.Outcome {
        do {
            let identity = work.identity(run: begun.run.run, lifecycle: lifecycle)
            let made = try await inSpan("recovery") { span in
                if span.isRecording {
                    span.attributes["carryon.recovery.cause"] = takeover.cause.description
                    span.attributes["carryon.recovery.previous_run"] = takeover.previous.id
                }
                if let dead = takeover.answer.traceparent { span.link(to: dead) }
                return try await recoveryPlan(&work, identity, takeover, answer, begun.writer, control, session)
            }
            MetricCatalog.recoveryDuration.record(since: begun.began)
            switch made {
            case .forward(let topic):
                return .over(try await forward(begun.run, begun.writer, to: topic, &work))
            case .plan(let plan):
                if environment.loop.onBusy == .interrupt, await isPassedOver(work, session) {
                    control.end(.interrupted)
                }
                return ready(plan, work, answer, begun, lifecycle, control, session)
            }
        } catch let error as BeforeBootError {
            // The next run reads how far this one's events came.
            try await begun.writer.drain()
            return .over(try await failedBoot(error, begun.run, work.grant))
        }
    }

    /// - Parameter plan: `nil` for a first run's.
    @inline(never)
    private func ready(
        _ plan: TurnPlan?, _ work: RequestInHand, _ answer: AnswerPlace, _ begun: BegunRun, _ lifecycle: TurnLifecycle,
        _ control: TurnControl, _ session: HostedSession
    ) -> PreparedTurn.Outcome {
        let hosted = HostedRun(
            environment: environment, begun: begun, grant: work.grant, session: session, control: control,
            decided: work.memory.decided(in: work.grant.log), onFenced: onFenced)
        let plan = plan ?? work.plan(work.identity(run: begun.run.run, lifecycle: lifecycle), answer)
        return .ready(PreparedTurn(plan: plan, support: hosted))
    }

    /// Everything that comes after the answer.
    @inline(never)
    private func conclude(
        _ result: TurnResult, _ turn: PreparedTurn, _ begun: BegunRun, _ work: inout RequestInHand,
        _ session: HostedSession, _ control: TurnControl, _ permit: Permits.Permit
    ) async throws -> Fate {
        let (grant, run, writer) = (work.grant, begun.run, begun.writer)
        if let fate = try await refusal(begun, grant) { return fate }
        switch result {
        case .lost:
            writer.abandon()
            await noteLoss(of: run, grant)
            return .letGo
        case .handedOver:
            try await handOver(run, grant, writer)
            return .letGo
        case .leftForUpgrade:
            session.hold(grant.partition.assignment)
            writer.write(.upgradeRequired(turn: run.turn))
            try await handOver(run, grant, writer)
            await environment.loop.evicted(session.id, work.memory.locals)
            return .letGo
        case .settle(let effect):
            work.memory.summary = effect.summary
            writeCheckpoint(
                work, effect.isAmended ? effect.chain : nil, work.memory.changedState, effect.injected, to: writer)
            let seq = try await lastSeq(of: writer)
            let settlement = settlement(effect, run, work, session, seq)
            return try await settle(effect, settlement, begun, turn.plan.identity, &work, session, control, permit)
        }
    }

    /// Whether newer messages wait behind the turn that are to be answered instead.
    private func isPassedOver(_ work: RequestInHand, _ session: HostedSession) async -> Bool {
        let newer = session.newerMessages().filter { !work.memory.leavesOut($0, in: work.grant.log) }
        return await !environment.becomingTurns(newer, of: session).isEmpty
    }

    /// Tells the agent that the session's state was read, before any other hook.
    func tellLoaded(
        _ work: inout RequestInHand, _ begun: BegunRun, _ lifecycle: TurnLifecycle, _ control: TurnControl
    ) async {
        guard work.memory.wasLoaded else { return }
        work.memory.wasLoaded = false
        guard work.memory.isContinuation else { return }
        await environment.loop.loaded(
            work.identity(run: begun.run.run, lifecycle: lifecycle), work.memory.chain.messages, control: control)
    }

    func handOver(_ run: StoredRun, _ grant: Grant, _ writer: EventWriter) async throws {
        // What was said is in the events by the time that the next owner reads them; what fails to get there is said
        // again.
        do {
            try await writer.drain()
        } catch {
            environment.logger.warning(
                "A turn is handed over without its last words.",
                metadata: ["error": "\(error)"])
        }
        _ = try await environment.store.interruptRun(
            session: run.session, turn: run.turn, run: run.run, cause: RunEnd.handover.rawValue, kind: .handover,
            fence: grant.partition.fence, at: environment.now())
    }

    /// Puts on record that a run ended with its partition, which is nobody's fault. Whoever took the partition since has
    /// its fence, and then this is refused: that one will have seen for itself what there was to see.
    func noteLoss(of run: StoredRun, _ grant: Grant) async {
        do {
            _ = try await environment.store.interruptRun(
                session: run.session, turn: run.turn, run: run.run, cause: StoredRun.lostPartition, kind: .handover,
                fence: grant.partition.fence, at: environment.now())
        } catch {
            environment.logger.info("Why a run ended is not on record.", metadata: ["error": "\(error)"])
        }
    }

    private func failedBoot(_ error: BeforeBootError, _ run: StoredRun, _ grant: Grant) async throws -> Fate {
        _ = try await environment.store.interruptRun(
            session: run.session, turn: run.turn, run: run.run, cause: "beforeBoot failed: \(error.reason)",
            kind: .crashed, fence: grant.partition.fence, at: environment.now())
        return .again(reason: "beforeBoot failed: \(error.reason)")
    }

    /// Waits until everything of the turn is acknowledged, and says which seq its closing event has.
    private func lastSeq(of writer: EventWriter) async throws -> Int64 {
        try await writer.drain()
        return writer.nextSeq
    }

    /// What the turn changes, with the event that closes it as `seq`.
    private func settlement(
        _ effect: TurnEffect, _ run: StoredRun, _ work: RequestInHand, _ session: HostedSession, _ seq: Int64
    ) -> Settlement {
        var settlement = work.settlement(at: environment.now(), recordsKey: true)
        if !environment.loop.ownsHistory { settlement.history = effect.chain.historyChange(turn: run.turn) }
        settlement.state = work.memory.changedState
        settlement.turns = run.turn + 1
        let joined = effect.injected.map { LogPosition(log: work.position.log, offset: $0.requestOffset) }
        let ahead = [session.effectiveStop].compactMap(\.self) + work.memory.leftOut(after: work.position) + joined
        if !ahead.isEmpty { settlement.appliedAhead = work.memory.appliedAhead(with: ahead, after: work.position) }
        settlement.turn = TurnSettlement(
            turn: run.turn, run: run.run, status: RunStatus(effect.outcome), outcome: effect.outcome.rawValue,
            finishReason: effect.finishReason.rawValue, usage: effect.usage?.json.serialized(),
            error: effect.error?.message, stopped: effect.isStopped)
        let complete = TurnComplete(
            turn: run.turn, outcome: effect.outcome, finishReason: effect.finishReason,
            messageID: effect.response?.id, usage: effect.usage, error: effect.error?.json, stopped: effect.isStopped)
        settlement.lastControl = work.closingEvent(.turnComplete(complete), seq: seq, turn: run.turn, run: run.run)
        settlement.nextSeq = seq + 1
        return settlement
    }

    private func settle(
        _ effect: TurnEffect, _ settlement: Settlement, _ begun: BegunRun, _ identity: TurnIdentity,
        _ work: inout RequestInHand, _ session: HostedSession, _ control: TurnControl, _ permit: Permits.Permit
    ) async throws -> Fate {
        let grant = work.grant
        let result = try await inSpan("checkpoint") { _ in
            try await environment.persistently(grant) { try await write(settlement, &work) }
        }
        if let fate = result { return fate }
        count(effect, begun)
        // The turn is over; what is left is to say so.
        permit.release()
        session.turnIsOver()
        work.memory.took(effect, bytes: settlement.history.append.reduce(0) { $0 + $1.body.count })
        work.memory.directives[work.position.offset] = nil
        _ = try await publishClosing(settlement, work)
        let settled = work
        return .settled { await afterwards(effect, identity, settled, session, control) }
    }

    /// What the agent has to say once its turn is settled, and what it asked for.
    private func afterwards(
        _ effect: TurnEffect, _ identity: TurnIdentity, _ work: RequestInHand, _ session: HostedSession,
        _ control: TurnControl
    ) async {
        defer { environment.reached(.afterComplete) }
        let edited = await environment.loop.complete(
            identity, effect, totalUsage: work.memory.totalUsage, control: control)
        guard var work = session.takeMemory().map({ work.with($0) }) else { return }
        if let edited { work.memory.chain.set(edited) }
        if edited != nil || work.memory.changedState != nil { await amend(&work, isEdited: edited != nil) }
        let lifecycle = identity.lifecycle
        if lifecycle.needsUpgrade { session.hold(work.grant.partition.assignment) }
        let isFull = environment.loop.maximumTurns.map { work.memory.turnsSeen >= $0 } ?? false
        if lifecycle.endsRun || lifecycle.needsUpgrade || isFull {
            await environment.loop.evicted(session.id, work.memory.locals)
        } else {
            session.keep(work.memory)
        }
    }

    /// Writes what changed after the settlement, and tells the events. If it can't be written, the session is read again
    /// for its next request.
    private func amend(_ work: inout RequestInHand, isEdited: Bool) async {
        guard work.grant.enter() else {
            environment.logger.warning("What onTurnComplete changed is lost: the partition is being given up.")
            return work.memory.assignment = -1
        }
        defer { work.grant.leave() }
        var amendment = work.settlement(at: environment.now(), recordsKey: false)
        if !environment.loop.ownsHistory {
            amendment.history = work.memory.chain.historyChange(turn: max(work.memory.turns - 1, 0))
        }
        amendment.state = work.memory.changedState
        let isToldOfHistory = isEdited && !environment.loop.ownsHistory
        let checkpoint = CheckpointRecord(isToldOfHistory ? work.memory.chain : nil, amendment.state)
        do {
            let grant = work.grant
            let result = try await environment.persistently(grant) { try await environment.store.settle(amendment) }
            guard case .written(let revision) = result else {
                environment.logger.warning("What onTurnComplete changed is lost.", metadata: ["reason": "\(result)"])
                return work.memory.assignment = -1
            }
            work.memory.settled(amendment, revision: revision)
            work.memory.chain.markStored()
        } catch {
            environment.logger.error("What onTurnComplete changed is lost.", metadata: ["error": "\(error)"])
            return work.memory.assignment = -1
        }
        do {
            try await tellAmendment(work, checkpoint)
        } catch {
            environment.logger.error(
                "What onTurnComplete changed is in the session store only.", metadata: ["error": "\(error)"])
        }
    }
}

extension SessionMemory {
    /// What took effect ahead of its place, once `more` did and everything up to `position` is settled.
    func appliedAhead(with more: [LogPosition], after position: LogPosition) -> [LogPosition] {
        appliedAhead.filter { !more.contains($0) && ($0.log != position.log || $0.offset > position.offset) } + more
    }

    /// Requests behind `position` that a recovery hook has decided to leave out.
    func leftOut(after position: LogPosition) -> [LogPosition] {
        directives.keys.sorted().compactMap { offset in
            guard case .leaveOut = directives[offset], offset > position.offset else { return nil }
            return LogPosition(log: position.log, offset: offset)
        }
    }
}

extension Chain {
    /// The difference to what is stored, as the store takes it.
    func historyChange(turn: Int) -> HistoryChange {
        let change = change
        func stored(_ index: Int) -> StoredMessage {
            let message = messages[index]
            return StoredMessage(id: message.id, role: message.role.rawValue, turn: turn, body: message.serialized())
        }
        return HistoryChange(
            keep: change.keep, replace: change.replaced.map { ($0, stored($0)) },
            append: (change.appendedFrom..<count).map(stored))
    }
}

extension SessionMemory {
    /// Takes a settled turn's effect over.
    mutating func took(_ effect: TurnEffect, bytes added: Int) {
        chain = effect.chain
        chain.markStored()
        isBooted = effect.isBooted
        bytes += added
        turnsSeen += 1
        previousUsage = effect.usage
        if let usage = effect.usage { totalUsage = totalUsage.map { $0.adding(usage) } ?? usage }
    }
}

extension RequestInHand {
    /// The same request with the session's newest state.
    func with(_ memory: SessionMemory) -> RequestInHand {
        RequestInHand(dispatch: dispatch, grant: grant, memory: memory)
    }
}

extension RunStatus {
    init(_ outcome: TurnOutcome) {
        self =
            switch outcome {
            case .completed: .completed
            case .stopped: .stopped
            case .failed: .failed
            case .deadLettered: .deadLettered
            }
    }
}

extension TurnError {
    /// The error as it stands in a closing event.
    var json: JSON { .object(["code": .string(code), "message": .string(message)]) }
}
