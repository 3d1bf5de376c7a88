import ChatAgent
import Conversation
import Kafka
import Logging
import SessionStore
import Telemetry

/// What a recovery hook wanted done before anything else failed: the run ends, and the request is tried again.
struct BeforeBootError: Error {
    var reason: String
}

extension TurnExecutor {
    /// What there is to do for a run.
    enum Made {
        case plan(TurnPlan)
        /// Nothing here: the request goes to this topic.
        case forward(String)
    }

    /// What a run is to do that takes over from another one: evidence and hook decide.
    @inline(never)
    func recoveryPlan(
        _ work: inout RequestInHand, _ identity: TurnIdentity, _ takeover: Takeover, _ answer: AnswerPlace,
        _ writer: EventWriter, _ control: TurnControl, _ session: HostedSession
    ) async throws -> Made {
        var plan = work.plan(identity, answer)
        let forwardTopic = topic(forLackOfMemory: takeover.exhausted, work)
        plan.previousRunID = takeover.previous.id
        plan.intents = takeover.intents
        let point: ResumePoint
        (point, plan.tools) = await self.point(of: takeover, answer, identity, control)
        if environment.loop.ownsHistory {
            // The history is not ours to put a partial into: the turn is an ordinary one.
            let decision = takeover.exhausted.map(RecoveryDecision.deadLetter) ?? .runAgain
            tellRecovered(
                takeover.cause.description, takeover, policy: forwardTopic == nil ? decision.name : Self.forwardPolicy,
                partial: false, writer)
            if let forwardTopic { return .forward(forwardTopic) }
            if let first = point.firstChunk { writer.write(.superseded(fromSeq: first)) }
            if case .deadLetter(let budget) = decision {
                plan.course = .giveUp(try await setAside(work, takeover, budget), nil)
            }
            plan.noteRepeatedCalls(of: point.raw)
            return .plan(plan)
        }

        // Those of parts that earlier turns settled have joined those turns.
        let joined = takeover.forgottenFrom == nil ? point.raw.injectedMessages(from: plan.baseCount) : []
        let waiting = session.waiting(under: work.grant.partition.assignment)
        let candidates = waiting.filter { dispatch in
            dispatch.userMessage != nil && work.grant.wasWaiting(dispatch.record.offset)
                && !(dispatch.cameWhileBusy && environment.loop.onBusy == .reject)
        }
        // A request that came twice must not end its own answer for the sake of its second copy.
        let inFlight = await environment.becomingTurns(candidates, of: session)
        let newer = inFlight.filter { dispatch in !joined.contains { $0.requestOffset == dispatch.record.offset } }
        let isStopped = if case .stopped = control.ending { true } else { false }
        let evidence = takeover.evidence(point, isStopped: isStopped, hasNewerMessages: !newer.isEmpty)
        let decision = environment.options.recoveryPolicy.decide(evidence)
        if let forwardTopic, case .deadLetter = decision {
            tellRecovered(
                evidence.cause.description, takeover, policy: Self.forwardPolicy, partial: evidence.hasPartial, writer)
            return .forward(forwardTopic)
        }
        var course = Course(decision)
        if decision.asksHook, takeover.cause != .handover, let partial = point.partial {
            let users = [work.dispatch.userMessage].compactMap(\.self) + inFlight.compactMap(\.userMessage)
            let event = RecoveryBootEvent(
                identity: identity, previousRunID: takeover.previous.id, cause: takeover.cause,
                settledMessages: work.memory.chain.messages, inFlightUsers: users, partialAssistant: partial,
                pendingToolCalls: point.raw.pendingToolCalls, writer: TransientWriter(output: writer))
            if let result = await environment.loop.recoveryBoot(event, control: control), !result.isEmpty {
                course = follow(result, event, inFlight, otherwise: course, &work, &plan)
                try await beforeBoot(result, control)
            }
        }
        tellRecovered(
            evidence.cause.description, takeover, policy: course.name, partial: evidence.hasPartial, writer)
        plan.validates = takeover.exhausted == nil
        try await apply(course, takeover, point, work, &plan, writer)
        plan.noteRepeatedCalls(of: point.raw)
        // What had joined an answer that is given anew waits again.
        let kept = plan.course.assembler?.message.injectedMessages(from: plan.baseCount) ?? []
        plan.injected = kept.map { waiting.message(at: $0.requestOffset) ?? $0 }
        return .plan(plan)
    }

    private func tellRecovered(
        _ cause: String, _ takeover: Takeover, policy: String, partial: Bool, _ writer: EventWriter
    ) {
        MetricCatalog.recoveries.add(1, cause, policy)
        writer.write(
            .recovered(cause: cause, previousRun: takeover.previous.run, policy: policy, partial: partial))
    }

    /// Where the dead run's answer can be gone on with, by what the agent's tools are now.
    private func point(
        of takeover: Takeover, _ answer: AnswerPlace, _ identity: TurnIdentity, _ control: TurnControl
    ) async -> (ResumePoint, ToolSet?) {
        let chunks = takeover.answer.chunks()
        let hasCalls = chunks.contains { if case .toolInputAvailable = $0.chunk { true } else { false } }
        let asksAgent = hasCalls && takeover.exhausted == nil
        let tools = asksAgent ? await environment.loop.recoveredTools(identity, control: control) : nil
        let point = ResumePoint(
            chunks, lastPolicy: takeover.answer.lastPolicy, messageID: answer.messageID, base: answer.base,
            keeps: { tools?[$0.toolName] != nil && $0.providerExecuted != true })
        return (point, tools)
    }

    /// What is done, whoever decided it.
    private enum Course {
        case policy(RecoveryDecision)
        case hookRunsAgain
        case hookLeavesOut

        init(_ decision: RecoveryDecision) { self = .policy(decision) }

        var name: String {
            switch self {
            case .policy(let decision): decision.name
            case .hookRunsAgain: "run-again"
            case .hookLeavesOut: "settle"
            }
        }
    }

    private func beforeBoot(_ result: RecoveryBootResult, _ control: TurnControl) async throws {
        guard let beforeBoot = result.beforeBoot else { return }
        do {
            try await control.call("beforeBoot", beforeBoot)
        } catch {
            throw BeforeBootError(reason: "\(error)")
        }
    }

    /// Does as the hook says: the chain exactly, and exactly those of the messages in flight as turns.
    private func follow(
        _ result: RecoveryBootResult, _ event: RecoveryBootEvent, _ newer: [Dispatch], otherwise: Course,
        _ work: inout RequestInHand, _ plan: inout TurnPlan
    ) -> Course {
        let current = work.dispatch.userMessage
        guard result.chain != nil || result.recoveredTurns != nil else { return otherwise }
        // What had joined the dead run is as much in flight as the rest: the hook has decided about all of it.
        plan.injected = []
        plan.isAmended = true
        if let chain = result.chain {
            work.memory.chain.set(chain)
        } else {
            if let current { work.memory.chain.merge(current) }
            if case .regenerate = plan.trigger { work.memory.chain.dropTrailingAnswers() }
            work.memory.chain.merge(event.partialAssistant)
        }
        let turns = result.recoveredTurns ?? newer.compactMap(\.userMessage)
        let known = Set(event.inFlightUsers.map(\.id))
        for turn in turns where !known.contains(turn.id) {
            environment.logger.warning(
                "A recovered turn is passed over: its message is not one of those in flight.",
                metadata: ["message": "\(turn.id)"])
        }
        let wanted = Dictionary(turns.map { ($0.id, $0) }, uniquingKeysWith: { $1 })
        for dispatch in newer {
            guard let message = dispatch.userMessage else { continue }
            let directive: SessionMemory.Directive = wanted[message.id].map { .replace($0) } ?? .leaveOut
            work.memory.directives[dispatch.record.offset] = directive
        }
        guard let current, let again = wanted[current.id] else { return .hookLeavesOut }
        plan.trigger = .message(again)
        // The new answer must not take the place of a partial that the hook keeps.
        if work.memory.chain.index(of: plan.messageID) != nil { plan.messageID += "-\(plan.identity.run)" }
        return .hookRunsAgain
    }

    private func apply(
        _ course: Course, _ takeover: Takeover, _ point: ResumePoint, _ work: RequestInHand, _ plan: inout TurnPlan,
        _ writer: EventWriter
    ) async throws {
        switch course {
        case .hookLeavesOut:
            plan.course = .leaveOut
            if work.memory.chain.index(of: point.raw.id) != nil {
                let stream = ResponseStream(
                    messageID: plan.messageID, continuing: resume(takeover, point, writer), baseCount: plan.baseCount,
                    output: writer)
                _ = stream.close(.stopped(reason: ResumePoint.interruption))
            } else if let first = point.firstChunk {
                writer.write(.superseded(fromSeq: first))
            }
        case .hookRunsAgain:
            if let first = point.firstChunk { writer.write(.superseded(fromSeq: first)) }
        case .policy(.settleEnded(let ending)): plan.course = .settle(point.assembler, .ended(ending))
        case .policy(.settleStopped): plan.course = .settle(resume(takeover, point, writer), .stopped)
        case .policy(.settleInterrupted): plan.course = .settle(resume(takeover, point, writer), .interrupted)
        case .policy(.continueAnswer), .policy(.runAgain):
            plan.course = .run(continuing: resume(takeover, point, writer))
        case .policy(.deadLetter(let budget)):
            let error = try await setAside(work, takeover, budget)
            plan.course = .giveUp(error, resume(takeover, point, writer))
        }
    }

    /// Writes a request that has used up its budget to the dead letters.
    /// - Returns: what readers are told.
    func setAside(_ work: RequestInHand, _ takeover: Takeover, _ budget: ExhaustedBudget) async throws -> TurnError {
        let error =
            takeover.park.map { TurnError($0) }
            ?? TurnError(budget, runs: takeover.deaths, cause: takeover.end?.cause)
        try await setAside(work, cause: DeadLetter.Cause(budget), error, attempts: takeover.deaths)
        return error
    }

    /// Brings readers to what can be gone on with, and returns it.
    private func resume(
        _ takeover: Takeover, _ point: ResumePoint, _ writer: EventWriter
    ) -> MessageAssembler? {
        if let forgotten = takeover.forgottenFrom {
            writer.write(.superseded(fromSeq: forgotten))
            return nil
        }
        var assembler = point.assembler
        if let from = point.supersededFrom {
            writer.write(.superseded(fromSeq: from))
            for chunk in point.retold {
                // Parts of a message that was read a moment ago fit into it and into a record again.
                guard (try? assembler.apply(chunk)) != nil else { continue }
                try? writer.write(chunk)
            }
        }
        return assembler
    }
}

extension TurnPlan {
    /// Each step is a call of the model; those are made again of which no content is kept.
    fileprivate mutating func noteRepeatedCalls(of dead: Message) {
        guard case .run(let kept) = course else { return }
        let keptCalls = kept.map { $0.message.contentSteps(from: baseCount) } ?? 0
        repeatedCalls = max(dead.contentSteps(from: baseCount) - keptCalls, 0)
    }
}

extension Message {
    /// How many steps behind the first `count` parts have content.
    fileprivate func contentSteps(from count: Int) -> Int {
        var steps = 0
        var isNew = false
        for part in parts.dropFirst(count) {
            if case .stepStart = part {
                isNew = true
            } else if isNew {
                steps += 1
                isNew = false
            }
        }
        return steps
    }
}

extension TurnError {
    /// Why a request is given up whose runs kill their hosts.
    init(_ budget: ExhaustedBudget, runs: Int, cause: String?) {
        self.init(
            code: budget.rawValue.replacing("-", with: "_"),
            message: "the request ended \(runs) of its runs (\(cause ?? "unknown")); it was set aside")
    }
}

extension DeadLetter.Cause {
    init(_ budget: ExhaustedBudget) {
        self =
            switch budget {
            case .crashLoop: .crashLoop
            case .outOfMemory: .outOfMemory
            case .parked: .parked
            }
    }
}

extension RecoveryDecision {
    /// Whether the agent may decide otherwise.
    var asksHook: Bool {
        switch self {
        case .continueAnswer, .settleInterrupted: true
        case .settleEnded, .settleStopped, .runAgain, .deadLetter: false
        }
    }
}

extension RecoveryBootResult {
    /// Whether it accepts every default.
    var isEmpty: Bool { chain == nil && recoveredTurns == nil && beforeBoot == nil }
}

extension Dispatch {
    /// The user's message that the request carries, if it carries one.
    var userMessage: Message? {
        guard case .message(let message) = request.kind, message.role == .user else { return nil }
        return message
    }
}

extension RequestInHand {
    /// What the turn answers, with what a recovery hook made of it.
    var trigger: TurnPlan.Trigger {
        if case .replace(let message) = memory.directives[position.offset] { return .message(message) }
        guard case .message(var message) = request.kind else { return .regenerate }
        // An offset names a message within its log only: another log's must not take the place of that one. And a
        // question that is asked again after the conversation went on comes at its end, not where it stood.
        let isNamedByOffset = message.id == dispatch.record.fallbackRequestID
        if isNamedByOffset || (isRedriven && message.role == .user), memory.chain.index(of: message.id) != nil {
            message.id += "-\(memory.turns)"
        }
        if message.role == .assistant {
            let base = memory.chain.index(answering: message).map { memory.chain.messages[$0].id }
            return .answer(message, base: base ?? message.id)
        }
        return .message(message)
    }

    /// The id that an answer from outside gives for the message that it answers, which only the agent's own history may
    /// know.
    private var answeredID: String? {
        guard case .message(let message) = request.kind, message.role == .assistant,
            message.id != dispatch.record.fallbackRequestID
        else { return nil }
        return message.id
    }

    /// Where the turn's answer goes.
    @inline(never)
    func place(messageID: String) -> AnswerPlace {
        guard case .answer(let wire, let base) = trigger, let index = memory.chain.index(of: base) else {
            return AnswerPlace(messageID: answeredID ?? messageID, base: nil)
        }
        let stored = memory.chain.messages[index]
        return AnswerPlace(messageID: base, base: stored.advanced(by: wire) ?? stored)
    }

    /// The plan of a first run.
    func plan(_ identity: TurnIdentity, _ answer: AnswerPlace) -> TurnPlan {
        var plan = TurnPlan(
            identity: identity, trigger: trigger, course: .run(continuing: nil), messageID: answer.messageID,
            needsBoot: !memory.isBooted)
        plan.baseCount = answer.base?.parts.count ?? 0
        plan.isChatStart = memory.turns == 0
        plan.summary = memory.summary
        plan.previousUsage = memory.previousUsage
        plan.totalUsage = memory.totalUsage
        return plan
    }
}

/// Where a turn's answer goes: into a message of its own, or on from one that waited for somebody outside.
final class AnswerPlace: Sendable {
    let messageID: String
    /// The message that goes on, with what the request says of its calls.
    let base: Message?

    init(messageID: String, base: Message?) {
        self.messageID = messageID
        self.base = base
    }
}

extension [Dispatch] {
    fileprivate func message(at offset: Int64) -> WaitingMessage? {
        guard let message = first(where: { $0.record.offset == offset })?.userMessage else { return nil }
        return WaitingMessage(message: message, requestOffset: offset)
    }
}
