import Conversation
import Synchronization

/// A run's history while it changes, and the answer that goes on top of it.
final class TurnWork: Sendable {
    private struct State {
        var chain: Chain
        var added: [Message] = []
        var hasJoined = false
        /// The answer's message id, and how many of its parts earlier turns have settled.
        var messageID: String
        var baseCount: Int
        var stream: ResponseStream?
        var isClosed = false
        var response: Message?
        var rawResponse: Message?
        /// The answer that is in the history before it is final, if it is its last message.
        var foreseen: String?
        /// Whether the history has the answer as a hook wants it.
        var hasOwnResponse = false
        var isBooted: Bool
        var injected: [WaitingMessage]
        /// How many of them are in the history.
        var joinedCount = 0
        var summary: ConversationSummary?
        /// Whether hooks have put the history otherwise than the request and the answer's chunks amount to.
        var isAmended: Bool

        /// The messages that joined the turn come into the history, before its answer.
        mutating func joinInjected() {
            for waiting in injected.dropFirst(joinedCount) {
                chain.merge(waiting.message)
                added.append(waiting.message)
            }
            joinedCount = injected.count
        }
    }

    let plan: TurnPlan
    private let state: Mutex<State>

    init(_ plan: TurnPlan, chain: consuming Chain) {
        self.plan = plan
        state = Mutex(
            State(
                chain: chain, messageID: plan.messageID, baseCount: plan.baseCount, isBooted: !plan.needsBoot,
                injected: plan.injected, summary: plan.summary, isAmended: plan.isAmended))
    }

    var messages: [Message] { state.withLock { $0.chain.messages } }

    func setBooted() {
        state.withLock { $0.isBooted = true }
    }

    /// Replaces the history, as a hook wants it; with an answer of its own, or none, unless it keeps the turn's.
    func setHistory(_ messages: [Message]?, keepingResponse: Bool = true) {
        guard let messages else { return }
        state.withLock { state in
            state.isAmended = true
            state.chain.set(messages)
            state.hasOwnResponse = !keepingResponse
        }
    }

    /// Takes over what the steps of the run have changed beside the answer.
    func note(_ steps: StepContext) {
        let (injected, summary) = (steps.injected, steps.summary)
        state.withLock { state in
            state.injected = injected
            state.summary = summary
            state.joinInjected()
        }
    }

    /// The messages that had joined a dead run, as the agent has them once it has looked at them.
    func replaceInjected(_ messages: [WaitingMessage]) {
        state.withLock { $0.injected = messages }
    }

    /// Takes up what the turn was begun for, once.
    func joinHistory(_ trigger: TurnPlan.Trigger) {
        state.withLock { state in
            guard !state.hasJoined else { return }
            state.hasJoined = true
            switch trigger {
            case .message(let message):
                state.isAmended = state.isAmended || message != plan.trigger.message?.asTakenUp
                state.chain.merge(message)
                state.added.append(message)
            case .answer(let wire, let base):
                state.isAmended = state.isAmended || wire != plan.trigger.message?.asTakenUp
                guard let index = state.chain.index(of: base),
                    let advanced = state.chain.messages[index].advanced(by: wire)
                else { return }
                state.chain.merge(advanced)
                // An agent that keeps the history itself has only now said what there is to go on with.
                (state.messageID, state.baseCount) = (advanced.id, advanced.parts.count)
            case .regenerate: state.chain.dropTrailingAnswers()
            }
        }
    }

    /// The answer goes into the history for a hook to see; the final one takes its place.
    func foresee(_ response: Message?) {
        guard let response else { return }
        state.withLock { state in
            let count = state.chain.count
            state.chain.merge(response)
            state.foreseen = state.chain.count > count ? response.id : nil
        }
    }

    /// The answer's stream, which is begun if it has not been: on a dead run's answer, on the message that the turn goes
    /// on with, or on nothing.
    func open(_ output: any TurnOutput) -> ResponseStream {
        state.withLock { state in
            if let stream = state.stream { return stream }
            var assembler = plan.course.assembler
            if state.baseCount > 0, let index = state.chain.index(of: state.messageID) {
                let base = state.chain.messages[index]
                if assembler == nil { assembler = MessageAssembler(continuing: base) }
                // A hook may have changed what the answer from outside says.
                assembler?.rebase(on: base, count: state.baseCount)
            }
            let stream = ResponseStream(
                messageID: state.messageID, continuing: assembler, baseCount: state.baseCount, output: output)
            state.stream = stream
            return stream
        }
    }

    /// Ends the answer, once.
    func close(_ stream: ResponseStream, _ ending: ResponseStream.Ending) {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        let raw = stream.message
        let response = stream.close(ending)
        state.withLock { state in
            state.rawResponse = raw.hasContent ? raw : nil
            state.response = response
        }
    }

    /// Takes an answer that a dead run had ended.
    func keep(_ message: Message?, isComplete: Bool) {
        guard let message else { return }
        state.withLock { state in
            state.rawResponse = message
            state.response = ResponseStream.settled(message, isComplete: isComplete, baseCount: state.baseCount)
        }
    }

    /// What the turn changes: the history with what joined it and the answer on top.
    func effect(_ ending: TurnEnding) -> TurnEffect {
        state.withLock { state in
            if let foreseen = state.foreseen, state.chain.messages.last?.id == foreseen, !state.hasOwnResponse {
                state.chain.truncate(to: state.chain.count - 1)
            }
            state.joinInjected()
            if let response = state.response {
                if !state.hasOwnResponse {
                    state.chain.merge(response)
                } else {
                    state.response = state.chain.index(of: response.id).map { state.chain.messages[$0] }
                }
            }
            if let response = state.response { state.added.append(response) }
            var chain = Chain()
            swap(&chain, &state.chain)
            return TurnEffect(
                chain: chain, outcome: ending.outcome, finishReason: ending.finishReason,
                isStopped: ending.isStopped, newMessages: state.added, response: state.response,
                rawResponse: state.rawResponse, usage: ending.usage, error: ending.error, injected: state.injected,
                summary: state.summary, isAmended: state.isAmended || !state.injected.allSatisfy(\.isAsNoticed),
                isBooted: state.isBooted)
        }
    }
}
