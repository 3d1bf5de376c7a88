package import Conversation
import LanguageModels
package import Logging

/// What a run of a turn is to do.
package struct TurnPlan: Sendable {
    /// What the turn answers.
    package enum Trigger: Sendable { case message(Message), regenerate }

    /// How the run goes about it.
    package enum Course: Sendable {
        /// Run the agent; on a dead run's answer if there is one.
        case run(continuing: MessageAssembler?)
        /// Only settle what a dead run left.
        case settle(MessageAssembler?, SettledAs)
        /// Settle as it is: the request has used up its budget.
        case giveUp(TurnError, MessageAssembler?)
        /// Settle without an answer and leave the history as it is given: a recovery hook has decided.
        case leaveOut
    }

    /// As what a dead run's answer is settled.
    package enum SettledAs: Sendable, Hashable { case ended(RecoveryEvidence.Ending), stopped, interrupted }

    package var identity: TurnIdentity
    package var trigger: Trigger
    package var course: Course
    /// The answer's message id, unless a dead run has begun it.
    package var messageID: String
    package var needsBoot: Bool
    package var previousRunID: String?

    package init(
        identity: TurnIdentity, trigger: Trigger, course: Course, messageID: String, needsBoot: Bool,
        previousRunID: String? = nil
    ) {
        self.identity = identity
        self.trigger = trigger
        self.course = course
        self.messageID = messageID
        self.needsBoot = needsBoot
        self.previousRunID = previousRunID
    }
}

/// What became of a run.
package enum TurnResult: Sendable {
    /// The turn is over and can be settled.
    case settle(TurnEffect)
    /// Another worker goes on with it.
    case handedOver
    /// The partition is somebody else's: nothing may be written.
    case lost
}

/// What a turn that is over changes.
package struct TurnEffect: Sendable {
    package var chain: Chain
    package var outcome: TurnOutcome
    package var finishReason: FinishReason
    package var isStopped: Bool
    package var newMessages: [Message]
    package var response: Message?
    package var usage: Usage?
    package var error: TurnError?
    /// Whether the session is booted on this worker now.
    package var isBooted: Bool
}

/// One run of one turn, from its hooks to its last chunk. Knows no Kafka, no store and no process.
package struct TurnLoop: Sendable {
    private let agent: any ChatAgent
    private let logger: Logger

    package init(agent: any ChatAgent, logger: Logger) {
        self.agent = agent
        self.logger = logger
    }

    /// Runs `plan` on the history `chain`, writing to `output`, until its end or until `control` ends it.
    package func run(
        _ plan: TurnPlan, on chain: consuming Chain, output: any TurnOutput, control: TurnControl
    ) async -> TurnResult {
        var added: [Message] = []
        switch (plan.course, plan.trigger) {
        case (.leaveOut, _): break
        case (_, .message(let message)):
            chain.merge(message)
            added.append(message)
        case (_, .regenerate): chain.dropTrailingAnswers()
        }
        switch plan.course {
        case .leaveOut:
            let effect = Ending(outcome: .stopped, finishReason: .other)
            return .settle(self.effect(effect, nil, consume chain, added, isBooted: !plan.needsBoot))
        case .settle(let assembler, let settledAs):
            return .settle(settled(assembler, as: settledAs, plan, consume chain, added, output))
        case .giveUp(let error, let assembler):
            let stream = ResponseStream(messageID: plan.messageID, continuing: assembler, output: output)
            let effect = Ending(outcome: .deadLettered, finishReason: .error, error: error)
            return .settle(
                self.effect(effect, stream.close(.failed(error)), consume chain, added, isBooted: !plan.needsBoot))
        case .run(let assembler):
            let stream = ResponseStream(messageID: plan.messageID, continuing: assembler, output: output)
            let run = await execute(plan, chain.messages, stream, control)
            return finish(run, plan, consume chain, added, stream, control)
        }
    }

    /// Tells the agent that its turn is settled.
    package func complete(_ identity: TurnIdentity, _ effect: TurnEffect) async {
        let event = TurnCompleteEvent(
            identity: identity, outcome: effect.outcome, finishReason: effect.finishReason,
            messages: effect.chain.messages, newMessages: effect.newMessages, responseMessage: effect.response,
            isStopped: effect.isStopped, usage: effect.usage, error: effect.error)
        do {
            try await agent.onTurnComplete(event)
        } catch {
            logger.warning("onTurnComplete failed; the turn stays as it was settled", metadata: ["error": "\(error)"])
        }
    }

    /// Asks the agent what to do about a dead run's partial. An error means the defaults.
    package func recoveryBoot(_ event: RecoveryBootEvent) async -> RecoveryBootResult? {
        do {
            return try await agent.onRecoveryBoot(event)
        } catch {
            logger.warning("onRecoveryBoot failed; the default policy applies", metadata: ["error": "\(error)"])
            return nil
        }
    }

    private struct Run: Sendable {
        var isBooted: Bool
        var failure: (any Error)?
    }

    private struct Ending {
        var outcome: TurnOutcome
        var finishReason: FinishReason
        var isStopped = false
        var usage: Usage?
        var error: TurnError?
    }

    private func execute(
        _ plan: TurnPlan, _ messages: [Message], _ stream: ResponseStream, _ control: TurnControl
    ) async -> Run {
        let agent = agent
        return await control.run {
            var run = Run(isBooted: !plan.needsBoot)
            do {
                if plan.needsBoot {
                    try await agent.onBoot(BootEvent(identity: plan.identity, previousRunID: plan.previousRunID))
                    run.isBooted = true
                }
                let partial = ResponseStream.cleaned(stream.message)
                try await agent.onTurnStart(
                    TurnStartEvent(identity: plan.identity, messages: messages, partialAssistant: partial))
                try await agent.run(
                    Turn(identity: plan.identity, messages: messages, stream: stream, control: control))
            } catch {
                run.failure = error
            }
            return run
        }
    }

    private func finish(
        _ run: Run, _ plan: TurnPlan, _ chain: consuming Chain, _ added: [Message], _ stream: ResponseStream,
        _ control: TurnControl
    ) -> TurnResult {
        let ending = control.decide()
        if ending == .lost || (ending == .handedOver && run.failure != nil) {
            stream.abandon()
            return ending == .lost ? .lost : .handedOver
        }
        var effect = Ending(outcome: .completed, finishReason: stream.finishReason ?? .stop, usage: stream.usage)
        let response: Message?
        if case .stopped(let reason) = ending {
            effect = Ending(outcome: .stopped, finishReason: .stop, isStopped: true, usage: stream.usage)
            response = stream.close(.stopped(reason: reason))
        } else if let failure = run.failure {
            let error = Self.turnError(failure)
            effect = Ending(outcome: .failed, finishReason: .error, usage: stream.usage, error: error)
            response = stream.close(.failed(error))
        } else {
            response = stream.close(.completed)
        }
        return .settle(self.effect(effect, response, consume chain, added, isBooted: run.isBooted))
    }

    private func settled(
        _ assembler: MessageAssembler?, as settledAs: TurnPlan.SettledAs, _ plan: TurnPlan, _ chain: consuming Chain,
        _ added: [Message], _ output: any TurnOutput
    ) -> TurnEffect {
        var effect: Ending
        let whole = assembler?.message
        var response = whole.flatMap(ResponseStream.cleaned)
        switch settledAs {
        case .ended(.finished):
            effect = Ending(outcome: .completed, finishReason: assembler?.finishReason ?? .stop)
            response = whole.flatMap { $0.hasContent ? $0 : nil }
        case .ended(.aborted):
            effect = Ending(outcome: .stopped, finishReason: .stop, isStopped: true)
        case .ended(.failed):
            let error = TurnError(code: "agent_error", message: assembler?.errorText ?? "the turn failed")
            effect = Ending(outcome: .failed, finishReason: .error, error: error)
        case .ended(.interrupted):
            effect = Ending(outcome: .stopped, finishReason: .other)
        case .ended(.deadLettered):
            let error = TurnError(code: "dead_lettered", message: assembler?.errorText ?? "the request was set aside")
            effect = Ending(outcome: .deadLettered, finishReason: .error, error: error)
        case .stopped, .interrupted:
            let isStopped = settledAs == .stopped
            effect = Ending(
                outcome: .stopped, finishReason: isStopped ? .stop : .other, isStopped: isStopped)
            let stream = ResponseStream(messageID: plan.messageID, continuing: assembler, output: output)
            response = stream.close(.stopped(reason: isStopped ? "stopped" : "interrupted"))
        }
        return self.effect(effect, response, consume chain, added, isBooted: !plan.needsBoot)
    }

    private func effect(
        _ ending: Ending, _ response: Message?, _ chain: consuming Chain, _ added: [Message], isBooted: Bool
    ) -> TurnEffect {
        var added = added
        if let response {
            chain.merge(response)
            added.append(response)
        }
        return TurnEffect(
            chain: consume chain, outcome: ending.outcome, finishReason: ending.finishReason,
            isStopped: ending.isStopped,
            newMessages: added, response: response, usage: ending.usage, error: ending.error, isBooted: isBooted)
    }

    private static func turnError(_ error: any Error) -> TurnError {
        switch error {
        case let error as TurnError: TurnError(code: error.code, message: bounded(error.message))
        case let error as ModelError: TurnError(code: error.code.rawValue, message: bounded(error.message))
        default: TurnError(code: "agent_error", message: bounded("\(error)"))
        }
    }

    /// What an error says has to fit into a record, whatever was put into it.
    private static func bounded(_ text: String) -> String {
        text.utf8.count <= 4096 ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(1000))) + " ..."
    }
}
