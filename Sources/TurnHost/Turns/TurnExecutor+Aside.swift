import ChatAgent
import Conversation
import Logging
import SessionStore

extension TurnExecutor {
    /// Carries out an action, or warms a session: begun like a turn, so that a request that kills its host is bounded,
    /// and settled without one.
    @inline(never)
    func runAside(
        _ work: inout RequestInHand, _ control: TurnControl, _ session: HostedSession
    ) async throws -> Fate {
        let takeover = try await self.takeover(work)
        let permit = await self.permit(for: work)
        defer { permit.release() }
        let grant = work.grant
        guard grant.enter() else { return .letGo }
        defer { grant.leave() }

        let begun = try await begin(work, takeover, nil, control)
        let pulse = environment.pulse.began(session.id)
        defer { environment.pulse.ended(pulse) }
        let limit = environment.limits.watch(begun.run, control)
        do {
            return try await runAside(begun, takeover, &work, control, session).keeping(limit)
        } catch {
            limit?.end()
            throw error
        }
    }

    private func runAside(
        _ begun: BegunRun, _ takeover: Takeover?, _ work: inout RequestInHand, _ control: TurnControl,
        _ session: HostedSession
    ) async throws -> Fate {
        let (run, writer, grant) = (begun.run, begun.writer, work.grant)
        if let fate = try await refusal(begun, grant) { return fate }
        if let takeover, let first = takeover.answer.firstUnfinished { writer.write(.superseded(fromSeq: first)) }
        if let topic = topic(forLackOfMemory: takeover?.exhausted, work) {
            return try await forward(run, writer, to: topic, &work)
        }
        if let takeover, let exhausted = takeover.exhausted {
            let error = try await setAside(work, takeover, exhausted)
            try writer.write(.error(errorText: error.message))
            return try await settleAside(&work, writer, takeover, outcome: "dead-lettered")
        }
        let lifecycle = TurnLifecycle(background: work.memory.background)
        await tellLoaded(&work, begun, lifecycle, control)
        let turnIdentity = work.identity(run: run.run, lifecycle: lifecycle)
        let plan = asidePlan(work, turnIdentity)
        var chain = Chain()
        swap(&chain, &work.memory.chain)
        switch await environment.loop.run(plan, on: consume chain, output: writer, control: control) {
        case .lost:
            writer.abandon()
            await noteLoss(of: run, grant)
            return .letGo
        case .handedOver:
            try await handOver(run, grant, writer)
            return .letGo
        case .settle(let chain, let outcome, let isBooted):
            work.memory.chain = chain
            work.memory.isBooted = isBooted
            let fate = try await settleAside(&work, writer, takeover, outcome: outcome)
            guard case .settled = fate, lifecycle.endsRun || lifecycle.needsUpgrade else { return fate }
            return .settled { await putAway(session, lifecycle, grant) }
        }
    }

    private func putAway(_ session: HostedSession, _ lifecycle: TurnLifecycle, _ grant: Grant) async {
        if lifecycle.needsUpgrade { session.hold(grant.partition.assignment) }
        if let memory = session.takeMemory() { await environment.loop.evicted(session.id, memory.locals) }
    }

    private func asidePlan(_ work: RequestInHand, _ identity: TurnIdentity) -> AsidePlan {
        let isNew = work.memory.revision == 0
        let task: AsidePlan.Work =
            if case .action(let action) = work.request.kind { .action(action) } else { .preload(isNew: isNew) }
        return AsidePlan(
            identity: identity, work: task,
            needsBoot: !work.memory.isBooted, messageID: "\(work.dispatch.session)-action-\(work.requestID)")
    }

    private func settleAside(
        _ work: inout RequestInHand, _ writer: EventWriter, _ takeover: Takeover?, outcome: String
    ) async throws -> Fate {
        let state = work.memory.changedState
        writeCheckpoint(
            work, work.memory.chain.isChanged ? work.memory.chain : nil, state,
            replacesDead: takeover?.answer.hasCheckpoint == true, to: writer)
        try await writer.drain()
        var settlement = work.settlement(at: environment.now(), recordsKey: true)
        settlement.dropsRuns = true
        settlement.origin = work.origin
        settlement.nextSeq = writer.nextSeq
        if !environment.loop.ownsHistory {
            settlement.history = work.memory.chain.historyChange(turn: max(work.memory.turns - 1, 0))
        }
        settlement.state = state
        if case .action = work.request.kind {
            settlement.lastControl = work.closingEvent(
                .actionComplete(outcome: outcome), seq: writer.nextSeq, turn: nil, run: nil)
            settlement.nextSeq += 1
        }
        let grant = work.grant
        let result = try await environment.persistently(grant) { try await write(settlement, &work) }
        if let fate = result { return fate }
        work.memory.chain.markStored()
        return try await publishClosing(settlement, work)
    }
}
