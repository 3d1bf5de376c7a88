package import Conversation
import LanguageModels
package import Logging
import Telemetry
import Tracing

/// One run of one turn, from its hooks to its last chunk. Knows no Kafka, no store and no process.
package struct TurnLoop: Sendable {
    let agent: any ChatAgent
    let logger: Logger
    let quickHooks = QuickHooks()

    package init(agent: any ChatAgent, logger: Logger) {
        self.agent = agent
        self.logger = logger
    }

    package var onBusy: BusyPolicy { agent.onBusy }
    package var ownsHistory: Bool { agent.ownsHistory }
    package var maximumTurns: Int? { agent.maximumTurns }

    /// Runs `plan` on the history `chain`, writing to `output`, until its end or until `control` ends it.
    package func run(
        _ plan: TurnPlan, on chain: consuming Chain, output: any TurnOutput, control: TurnControl,
        support: any TurnSupport
    ) async -> TurnResult {
        let work = TurnWork(plan, chain: consume chain)
        guard case .run = plan.course else { return .settle(await settle(work, output, control)) }
        let steps = StepContext(work, agent: agent, support: support, logger: logger)
        let span = startSpan(work)
        let end = await ServiceContext.withValue(span.context) {
            await control.run {
                await execute(work, steps, output, control)
            } abandoned: {
                work.joinHistory(work.plan.trigger)
                return .failed(CancellationError(), inRun: true)
            }
        }
        return await concluded(end, work, steps, output, control, span)
    }

    @inline(never)
    private func concluded(
        _ end: End, _ work: TurnWork, _ steps: StepContext, _ output: any TurnOutput, _ control: TurnControl,
        _ span: any Span
    ) async -> TurnResult {
        let result = await ServiceContext.withValue(span.context) {
            await finish(end, work, steps, output, control)
        }
        if case .failed(let error, _) = end, control.ending == nil { span.fail(error) }
        if case .settle(let effect) = result { span.add(effect) }
        span.end()
        return result
    }

    /// What a turn changes that asks the agent for no answer.
    package func settle(
        _ plan: TurnPlan, on chain: consuming Chain, output: any TurnOutput, control: TurnControl
    ) async -> TurnEffect {
        await settle(TurnWork(plan, chain: consume chain), output, control)
    }

    /// Settles a turn that asks the agent for no answer. Apart from ``run(_:on:output:control:support:)``, whose frame is
    /// held as long as an answer streams.
    @inline(never)
    private func settle(_ work: TurnWork, _ output: any TurnOutput, _ control: TurnControl) async -> TurnEffect {
        let plan = work.plan
        switch plan.course {
        // The second is not settled here.
        case .leaveOut, .run:
            var effect = work.effect(TurnEnding(outcome: .stopped, finishReason: .other))
            effect.isAmended = true
            return effect
        case .settle(let assembler, let settledAs):
            var trigger = plan.trigger
            if plan.validates {
                work.replaceInjected(await validatedInjected(plan, within: control))
                let looked = await logger.softly("onValidateMessages", "the message is kept as it came") {
                    try await validated(plan, within: control)
                }
                trigger = looked ?? trigger
            }
            work.joinHistory(trigger)
            if plan.validates, settledAs == .ended(.finished) { await hearAgain(work, output, control) }
            return settled(work, assembler, as: settledAs, output)
        case .giveUp(let error, _):
            work.joinHistory(plan.trigger)
            let stream = work.open(output)
            work.close(stream, .failed(error))
            return work.effect(TurnEnding(outcome: .deadLettered, finishReason: .error, error: error))
        }
    }

    /// Tells the agent that its turn is settled.
    /// - Parameter control: the turn's; a hook that takes longer than the turn may is left behind.
    /// - Returns: the history, if the agent changed it.
    package func complete(
        _ identity: TurnIdentity, _ effect: TurnEffect, totalUsage: Usage?, control: TurnControl
    ) async -> [Message]? {
        let history = History(effect.chain.messages)
        let event = TurnCompleteEvent(
            identity: identity, outcome: effect.outcome, finishReason: effect.finishReason,
            messages: effect.chain.messages, history: history, newMessages: effect.newMessages,
            responseMessage: effect.response, rawResponseMessage: effect.rawResponse,
            isStopped: effect.isStopped, usage: effect.usage, totalUsage: totalUsage, error: effect.error)
        do {
            try await quickHooks.span("onTurnComplete") {
                try await control.call("onTurnComplete") { try await agent.onTurnComplete(event) }
            }
        } catch {
            logger.warning(
                "onTurnComplete failed; the turn stays as it was settled", metadata: ["error": "\(error)"])
            // What it changed before it failed stays; who was left behind may have been in the middle of it.
            if error is HookLeftBehind {
                _ = history.close()
                return nil
            }
        }
        return history.close()
    }

    /// Tells the agent that a session's stored state was read.
    package func loaded(_ identity: TurnIdentity, _ messages: [Message], control: TurnControl) async {
        let event = LoadEvent(identity: identity, messages: messages)
        await logger.softly("onLoad", "the session goes on") {
            try await quickHooks.span("onLoad") { try await control.call("onLoad") { try await agent.onLoad(event) } }
        }
    }

    /// Asks the agent what to do about a dead run's partial. An error means the defaults.
    package func recoveryBoot(_ event: RecoveryBootEvent, control: TurnControl) async -> RecoveryBootResult? {
        await logger.softly("onRecoveryBoot", "the default policy applies") {
            try await quickHooks.span("onRecoveryBoot") {
                try await control.call("onRecoveryBoot") { try await agent.onRecoveryBoot(event) }
            }
        } ?? nil
    }

    /// The tools of a turn that is being recovered. An error means none.
    package func recoveredTools(_ identity: TurnIdentity, control: TurnControl) async -> ToolSet? {
        await logger.softly("tools", "the calls of the dead run are dropped") {
            try await control.call("tools") { try await agent.tools(for: identity) }
        }
    }

    /// Tells the agent that a session leaves this worker's memory.
    package func evicted(_ session: String, _ locals: Locals) async {
        // Often for the sake of another session's turn.
        var context = ServiceContext.current ?? .topLevel
        if context.conversationID != session {
            context = .topLevel
            context.conversationID = session
        }
        await ServiceContext.withValue(context) {
            await agent.onEvict(EvictionEvent(session: session, locals: locals))
        }
    }

    private func settled(
        _ work: TurnWork, _ assembler: MessageAssembler?, as settledAs: TurnPlan.SettledAs, _ output: any TurnOutput
    ) -> TurnEffect {
        switch settledAs {
        case .ended(.finished):
            work.keep(assembler?.message, isComplete: true)
            return work.effect(TurnEnding(outcome: .completed, finishReason: assembler?.finishReason ?? .stop))
        case .ended(let ending):
            work.keep(assembler?.message, isComplete: false)
            return work.effect(TurnEnding(ending, errorText: assembler?.errorText))
        case .stopped, .interrupted:
            let isStopped = settledAs == .stopped
            let stream = work.open(output)
            work.close(stream, .stopped(reason: isStopped ? "stopped" : "interrupted"))
            return work.effect(
                TurnEnding(outcome: .stopped, finishReason: isStopped ? .stop : .other, isStopped: isStopped))
        }
    }
}

/// How a turn ends.
struct TurnEnding: Sendable {
    var outcome: TurnOutcome
    var finishReason: FinishReason
    var isStopped = false
    var usage: Usage?
    var error: TurnError?
}

extension TurnEnding {
    /// An end that a dead run had written already.
    init(_ ending: RecoveryEvidence.Ending, errorText: String?) {
        switch ending {
        case .finished: self.init(outcome: .completed, finishReason: .stop)
        case .aborted: self.init(outcome: .stopped, finishReason: .stop, isStopped: true)
        case .interrupted: self.init(outcome: .stopped, finishReason: .other)
        case .failed:
            let error = TurnError(code: "agent_error", message: errorText ?? "the turn failed")
            self.init(outcome: .failed, finishReason: .error, error: error)
        case .deadLettered:
            let error = TurnError(code: "dead_lettered", message: errorText ?? "the request was set aside")
            self.init(outcome: .deadLettered, finishReason: .error, error: error)
        }
    }
}
