package import Conversation
import Logging

/// A request that is carried out beside the turns.
package struct AsidePlan: Sendable {
    /// What is to be done.
    package enum Work: Sendable {
        case action(JSON)
        /// - `isNew`: whether nothing of the session is stored.
        case preload(isNew: Bool)
    }

    package var identity: TurnIdentity
    package var work: Work
    package var needsBoot: Bool
    package var messageID: String

    package init(identity: TurnIdentity, work: Work, needsBoot: Bool, messageID: String) {
        self.identity = identity
        self.work = work
        self.needsBoot = needsBoot
        self.messageID = messageID
    }
}

/// What became of it.
package enum AsideResult: Sendable {
    case settle(Chain, outcome: String, isBooted: Bool)
    case handedOver(Chain)
    case lost
}

extension TurnLoop {
    /// Carries out an action, or warms a session.
    package func run(
        _ plan: AsidePlan, on chain: consuming Chain, output: any TurnOutput, control: TurnControl
    ) async -> AsideResult {
        let stream = ResponseStream(messageID: plan.messageID, continuing: nil, output: output)
        let messages = chain.messages
        var done = await control.run {
            await carryOut(plan, messages, stream, output, control)
        } abandoned: {
            Done(error: TurnError(CancellationError()), isBooted: !plan.needsBoot)
        }
        let ending = control.decide()
        if ending == .lost {
            stream.abandon()
            return .lost
        }
        if ending == .handedOver, done.error != nil {
            stream.abandon()
            return .handedOver(consume chain)
        }
        if case .timedOut(let limit) = ending, done.error != nil { done.error = .timedOut(after: limit) }
        var outcome = done.outcome
        if let error = done.error {
            outcome = "failed"
            _ = stream.close(.failed(error))
        } else {
            if let history = done.history { chain.set(history) }
            if stream.isStarted { _ = stream.close(.completed) } else { stream.abandon() }
        }
        return .settle(consume chain, outcome: outcome, isBooted: done.isBooted)
    }

    private struct Done: Sendable {
        var outcome = "completed"
        var history: [Message]?
        var error: TurnError?
        var isBooted: Bool
    }

    private func carryOut(
        _ plan: AsidePlan, _ messages: [Message], _ stream: ResponseStream, _ output: any TurnOutput,
        _ control: TurnControl
    ) async -> Done {
        let identity = plan.identity
        var done = Done(isBooted: !plan.needsBoot)
        do {
            if plan.needsBoot {
                try await agent.onBoot(BootEvent(identity: identity, previousRunID: nil))
                done.isBooted = true
            }
            switch plan.work {
            case .action(let action): try await act(action, identity, messages, stream, control, &done)
            case .preload(let isNew):
                let event = PreloadEvent(identity: identity, writer: TransientWriter(output: output))
                guard isNew else { break }
                await logger.softly("onPreload", "the session goes on") { try await agent.onPreload(event) }
            }
        } catch is MissingActionHandler {
            logger.warning("An action has no handler and changes nothing.")
            done.outcome = "ignored"
        } catch {
            done.error = TurnError(error)
        }
        return done
    }

    private func act(
        _ action: JSON, _ identity: TurnIdentity, _ messages: [Message], _ stream: ResponseStream,
        _ control: TurnControl, _ done: inout Done
    ) async throws {
        if let objection = agent.actionSchema?.objection(to: action) {
            throw TurnError(code: "invalid_action", message: "the action does not fit the agent's schema: \(objection)")
        }
        var chain = messages
        if agent.ownsHistory {
            chain = try await agent.hydrateMessages(
                HydrationEvent(identity: identity, incoming: nil, previousMessages: messages))
        }
        let history = History(chain)
        try await agent.onAction(
            ActionEvent(identity: identity, action: action, history: history, stream: stream, control: control))
        done.history = history.close() ?? (agent.ownsHistory ? chain : nil)
    }
}
