package import Conversation
import LanguageModels

extension TurnLoop {
    /// How the agent's part of a run came to its end.
    enum End: Sendable {
        case ran
        /// - `inRun`: whether the answer had been begun with.
        case failed(any Error, inRun: Bool)
        case leftForUpgrade

        var isInRun: Bool { if case .failed(_, true) = self { true } else { false } }
    }

    /// The hooks up to the answer, and the answer.
    func execute(
        _ work: TurnWork, _ steps: StepContext, _ output: any TurnOutput, _ control: TurnControl
    ) async -> End {
        var isInRun = false
        do {
            guard let turn = try await makeTurn(work, steps, output, control) else { return .leftForUpgrade }
            defer { work.setHistory(turn.history.close()) }
            isInRun = true
            try await agent.run(turn)
            return .ran
        } catch {
            // A message that a hook refused to look at is kept nevertheless.
            work.joinHistory(work.plan.trigger)
            return .failed(error, inRun: isInRun)
        }
    }

    /// The hooks up to the answer. Apart, so that an answer does not hold their frame while it streams.
    /// - Returns: `nil` if one of them has left the turn for a newer version of the service.
    @inline(never)
    private func makeTurn(
        _ work: TurnWork, _ steps: StepContext, _ output: any TurnOutput, _ control: TurnControl
    ) async throws -> Turn? {
        let (plan, identity) = (work.plan, work.plan.identity)
        if control.ending != nil { throw CancellationError() }
        try await boot(work)
        try checkData(identity)
        let tools: ToolSet = if let known = plan.tools { known } else { try await agent.tools(for: identity) }
        try await takeUp(work)
        steps.replaceInjected(await validatedInjected(plan))
        let stream = work.open(output)
        try await startHooks(work, stream)
        if identity.lifecycle.needsUpgrade { return nil }
        identity.lifecycle.background.place(behind: work.messages.last?.id ?? "")
        let history = History(work.messages)
        return Turn(
            identity: identity, messages: history.messages, history: history, tools: tools, stream: stream,
            control: control, steps: steps)
    }

    /// The hooks around an answer that was complete when its run died: what they had changed died with it. Nothing can be
    /// written any more.
    func hearAgain(_ work: TurnWork, _ output: any TurnOutput, _ control: TurnControl) async {
        let stream = work.open(output)
        stream.abandon()
        await logger.softly("a hook of an answer that was complete", "the answer is settled as it is") {
            try await boot(work, within: control)
            try await startHooks(work, stream, within: control)
            let finishReason = work.plan.course.assembler?.finishReason ?? .stop
            let ending = TurnEnding(outcome: .completed, finishReason: finishReason)
            try await beforeComplete(work, stream, ending, control)
        }
    }

    /// Calls a hook: in the run, whose end is that of all its hooks, or beside it, within the time that `control` gives.
    private func call<Output: Sendable>(
        _ hook: String, within control: TurnControl?, _ body: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        try await quickHooks.span(hook) {
            guard let control else { return try await body() }
            return try await control.call(hook, body)
        }
    }

    private func boot(_ work: TurnWork, within control: TurnControl? = nil) async throws {
        let (plan, identity) = (work.plan, work.plan.identity)
        guard plan.needsBoot else { return }
        let event = BootEvent(identity: identity, previousRunID: plan.previousRunID)
        try await call("onBoot", within: control) { try await agent.onBoot(event) }
        work.setBooted()
    }

    private func checkData(_ identity: TurnIdentity) throws {
        guard let objection = agent.dataSchema?.objection(to: identity.data ?? .null) else { return }
        throw TurnError(
            code: "invalid_data", message: "the request's data does not fit the agent's schema: \(objection)")
    }

    /// The request's message joins the history: looked at by the agent, and on the history that it keeps, if it does.
    private func takeUp(_ work: TurnWork) async throws {
        let identity = work.plan.identity
        var trigger = try await validated(work.plan)
        if agent.ownsHistory {
            let incoming: Message? =
                switch trigger {
                case .message(let message), .answer(let message, _): message
                case .regenerate: nil
                }
            let chain = try await agent.hydrateMessages(
                HydrationEvent(identity: identity, incoming: incoming, previousMessages: work.messages))
            work.setHistory(chain)
            if case .answer(let wire, _) = trigger, let index = chain.indexOfMessage(answering: wire) {
                trigger = .answer(wire, base: chain[index].id)
            }
        }
        work.joinHistory(trigger)
    }

    /// What the turn is to take up, as the agent has it once it has looked at the message.
    func validated(_ plan: TurnPlan, within control: TurnControl? = nil) async throws -> TurnPlan.Trigger {
        switch plan.trigger {
        case .message(let message): .message(try await validated(message, plan, within: control))
        case .answer(let wire, let base): .answer(try await validated(wire, plan, within: control), base: base)
        case .regenerate: .regenerate
        }
    }

    private func validated(
        _ message: Message, _ plan: TurnPlan, within control: TurnControl?
    ) async throws -> Message {
        let identity = plan.identity
        return try await call("onValidateMessages", within: control) {
            try await agent.validated(message, identity)
        }
    }

    /// Messages that had joined a dead run, as the agent lets them in; it did so before.
    func validatedInjected(_ plan: TurnPlan, within control: TurnControl? = nil) async -> [WaitingMessage] {
        var injected = plan.injected
        for index in injected.indices {
            let message = injected[index].message
            let looked = await logger.softly("onValidateMessages", "a message that had joined is kept as it came") {
                try await validated(message, plan, within: control)
            }
            injected[index].message = looked ?? message
        }
        return injected
    }

    private func startHooks(
        _ work: TurnWork, _ stream: ResponseStream, within control: TurnControl? = nil
    ) async throws {
        let (plan, identity) = (work.plan, work.plan.identity)
        let writer = PartWriter(stream: stream)
        if plan.isChatStart {
            let history = History(work.messages)
            defer { work.setHistory(history.close()) }
            let event = ChatStartEvent(identity: identity, history: history, writer: writer)
            try await call("onChatStart", within: control) { try await agent.onChatStart(event) }
        }
        let history = History(work.messages)
        defer { work.setHistory(history.close()) }
        let event = TurnStartEvent(
            identity: identity, messages: history.messages, history: history, partialAssistant: stream.partial,
            previousTurnUsage: plan.previousUsage, totalUsage: plan.totalUsage, writer: writer)
        try await call("onTurnStart", within: control) { try await agent.onTurnStart(event) }
    }

    /// The answer's end, and what is settled of it.
    func finish(
        _ end: End, _ work: TurnWork, _ steps: StepContext, _ output: any TurnOutput, _ control: TurnControl
    ) async -> TurnResult {
        let stream = work.open(output)
        let ending = control.decide()
        switch (ending, end) {
        case (.lost, _):
            stream.abandon()
            return .lost
        case (.handedOver, .failed):
            stream.abandon()
            return .handedOver
        case (_, .leftForUpgrade):
            stream.abandon()
            return .leftForUpgrade
        default: break
        }
        work.note(steps)
        await settleDeferred(work.plan.identity.lifecycle, steps.support.clock)
        var turnEnding = TurnEnding(
            outcome: .completed, finishReason: stream.finishReason ?? .stop, usage: stream.usage)
        var closing = ResponseStream.Ending.completed
        switch (ending, end) {
        case (.stopped(let reason), _):
            (turnEnding.outcome, turnEnding.finishReason, turnEnding.isStopped) = (.stopped, .stop, true)
            closing = .stopped(reason: reason)
        case (.interrupted, .failed):
            (turnEnding.outcome, turnEnding.finishReason) = (.stopped, .other)
            closing = .stopped(reason: "interrupted")
        case (.timedOut(let limit), .failed): fail(&turnEnding, &closing, TurnError.timedOut(after: limit))
        case (_, .failed(let failure, _)): fail(&turnEnding, &closing, failure)
        case (_, .ran):
            await compactAfterwards(work, steps, stream, control)
        case (_, .leftForUpgrade): break
        }
        if turnEnding.error == nil || end.isInRun {
            do {
                try await beforeComplete(work, stream, turnEnding, control)
            } catch is HookLeftBehind {
                // Nothing more of it is to be heard, also not while what was deferred is waited for.
                work.close(stream, closing)
            } catch {
                // What made the turn fail in the first place is what its readers are told.
                if turnEnding.error == nil { fail(&turnEnding, &closing, error) }
            }
            await settleDeferred(work.plan.identity.lifecycle, steps.support.clock)
        }
        work.close(stream, closing)
        return .settle(work.effect(turnEnding))
    }

    private func fail(_ ending: inout TurnEnding, _ closing: inout ResponseStream.Ending, _ failure: any Error) {
        let error = TurnError(failure)
        (ending.outcome, ending.finishReason, ending.error) = (.failed, .error, error)
        closing = .failed(error)
    }

    private func beforeComplete(
        _ work: TurnWork, _ stream: ResponseStream, _ ending: TurnEnding, _ control: TurnControl
    ) async throws {
        let response = ending.outcome == .completed ? stream.contentMessage : stream.partial
        work.foresee(response)
        let history = History(work.messages)
        let event = TurnEndEvent(
            identity: work.plan.identity, history: history, responseMessage: response,
            finishReason: ending.finishReason, isStopped: ending.isStopped, usage: ending.usage,
            writer: PartWriter(stream: stream))
        try await quickHooks.span("onBeforeTurnComplete") {
            try await control.call("onBeforeTurnComplete") { try await agent.onBeforeTurnComplete(event) }
        }
        guard let edited = history.close() else { return }
        work.setHistory(edited, keepingResponse: response.map(edited.contains) ?? true)
    }

    private func compactAfterwards(
        _ work: TurnWork, _ steps: StepContext, _ stream: ResponseStream, _ control: TurnControl
    ) async {
        guard agent.compaction != nil else { return }
        let (chain, identity) = (work.messages + [stream.contentMessage].compactMap(\.self), work.plan.identity)
        let isDone: Void? = await logger.softly("compaction", "the history stays as it is") {
            try await control.call("compaction") {
                try await steps.compact(
                    chain, identity, stream.usage, extra: nil, step: nil, writer: PartWriter(stream: stream))
            }
        }
        if isDone != nil { work.note(steps) }
    }

    /// Waits for what was deferred, five seconds at most.
    private func settleDeferred(_ lifecycle: TurnLifecycle, _ clock: any Clock<Duration>) async {
        let deferred = lifecycle.takeDeferred()
        guard !deferred.isEmpty else { return }
        let race = Race<Void, Never>()
        let timer = Task {
            try? await clock.sleep(for: .seconds(5))
            race.finish(.success(()))
        }
        Task {
            for work in deferred {
                await logger.softly("deferred work", "the turn is settled without it") { try await work.value }
            }
            race.finish(.success(()))
        }
        await race.value()
        timer.cancel()
    }
}

extension Message {
    /// What joins the history of a message that came, unless the agent makes something else of it.
    package var asTakenUp: Message { repaired() ?? self }
}

extension ChatAgent {
    /// What the agent makes of a message that is to be taken up: of its content, not of its id and role.
    func validated(_ message: Message, _ identity: TurnIdentity) async throws -> Message {
        let event = ValidationEvent(identity: identity, message: message.asTakenUp)
        var validated = try await onValidateMessages(event)
        (validated.id, validated.role) = (message.id, message.role)
        return validated
    }
}
