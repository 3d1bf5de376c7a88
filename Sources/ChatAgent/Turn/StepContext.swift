import Conversation
import LanguageModels
import Logging
import Synchronization
import Telemetry

/// What the steps of one run share: where its prompts come from, and what joins it on the way.
final class StepContext: Sendable {
    private struct State {
        var summary: ConversationSummary?
        var injected: [WaitingMessage]
        var reason = PromptEvent.Reason.run
        var repeatedCalls: Int
    }

    let support: any TurnSupport
    /// Calls that an earlier run was about to make.
    let intents: Set<String>
    private let agent: any ChatAgent
    private let logger: Logger
    private let state: Mutex<State>

    init(_ work: TurnWork, agent: any ChatAgent, support: any TurnSupport, logger: Logger) {
        self.agent = agent
        self.support = support
        self.logger = logger
        intents = work.plan.intents
        state = Mutex(
            State(summary: work.plan.summary, injected: work.plan.injected, repeatedCalls: work.plan.repeatedCalls))
    }

    /// Counts what a call of the model has cost, if a dead run had made it before.
    func count(_ usage: Usage?) {
        let isRepeated = state.withLock { state in
            defer { state.repeatedCalls = max(state.repeatedCalls - 1, 0) }
            return state.repeatedCalls > 0
        }
        guard isRepeated else { return }
        if let tokens = usage?.inputTokens { MetricCatalog.tokensSpentTwice.add(Double(tokens), "input") }
        if let tokens = usage?.outputTokens { MetricCatalog.tokensSpentTwice.add(Double(tokens), "output") }
    }

    var summary: ConversationSummary? { state.withLock { $0.summary } }

    /// The messages that have joined the turn, oldest first.
    var injected: [WaitingMessage] { state.withLock { $0.injected } }

    /// The messages that had joined a dead run, as the agent has them once it has looked at them.
    func replaceInjected(_ messages: [WaitingMessage]) {
        state.withLock { $0.injected = messages }
    }

    /// What the model is to be given now.
    func prompt(for turn: Turn) async throws -> Prompt {
        if turn.control.ending != nil { throw CancellationError() }
        let (summary, injected, reason) = state.withLock { state in
            defer { state.reason = .step }
            return (state.summary, state.injected, state.reason)
        }
        var prompt = Self.prompt(turn, summary, injected)
        prompt.messages = try await agent.prepareMessages(
            PromptEvent(identity: turn.identity, reason: reason, messages: prompt.messages))
        return prompt
    }

    /// The answer that a call of the model is to go on with which is made again.
    func continuation(for turn: Turn) -> Message? {
        let (summary, injected) = state.withLock { ($0.summary, $0.injected) }
        return Self.prompt(turn, summary, injected).continuation
    }

    private static func prompt(
        _ turn: Turn, _ summary: ConversationSummary?, _ injected: [WaitingMessage]
    ) -> Prompt {
        Prompt(
            chain: turn.history.messages, answer: turn.stream.message, baseCount: turn.stream.baseCount,
            summary: summary, background: turn.identity.lifecycle.background.placed, injected: injected,
            tools: turn.tools)
    }

    /// Between two steps: messages that wait may join, what was injected is put before the model, and a long history is
    /// compacted.
    func boundary(_ turn: Turn, _ usage: Usage?) async throws {
        if turn.control.ending != nil { throw CancellationError() }
        if agent.onBusy == .steer { try await steer(turn) }
        let answer = turn.stream.message
        turn.identity.lifecycle.background.place(behind: answer.id)
        try await compact(
            turn.history.messages, turn.identity, usage, extra: answer, step: answer.stepCount,
            writer: PartWriter(stream: turn.stream))
    }

    private func steer(_ turn: Turn) async throws {
        let known = Set(injected.map(\.requestOffset))
        let waiting = await support.waitingMessages().filter { !known.contains($0.requestOffset) }
        guard !waiting.isEmpty else { return }
        let event = SteeringEvent(
            identity: turn.identity, messages: waiting.map(\.message), step: turn.stream.message.stepCount)
        let isWanted = await logger.softly("shouldInject", "the messages wait") { try await agent.shouldInject(event) }
        guard isWanted == true else { return }
        var joining: [WaitingMessage] = []
        for waiting in waiting {
            // Those behind one that is refused wait with it: the order stays.
            let message = await logger.softly("onValidateMessages", "the message waits for a turn of its own") {
                try await agent.validated(waiting.message, turn.identity)
            }
            guard let message else { break }
            joining.append(WaitingMessage(message: message, requestOffset: waiting.requestOffset))
        }
        guard !joining.isEmpty else { return }
        do {
            try await turn.emit(SteeringNotice(joining).chunk)
        } catch let error as TurnError {
            // A message that readers can't be told of is no reason for the turn to fail.
            logger.warning("messages could not join the turn, and wait", metadata: ["error": "\(error)"])
            return
        }
        state.withLock { $0.injected += joining }
    }

    /// Replaces the beginning of `chain` in the prompts by a summary, if there is more of it than there may be.
    func compact(
        _ chain: [Message], _ identity: TurnIdentity, _ usage: Usage?, extra: Message?, step: Int?, writer: PartWriter
    ) async throws {
        guard let policy = agent.compaction else { return }
        let summary = summary
        guard let plan = CompactionPlan(policy, chain: chain, summary: summary, usage: usage, answer: extra) else {
            return
        }
        let id = "compaction-\(plan.through)"
        try writer.write(data: "compaction", ["status": "compacting"], id: id, isTransient: true)
        let summarized = await logger.softly("summarize", "the history stays as it is") {
            try await policy.summarize(plan.compacted, identity)
        }
        guard let text = summarized else {
            return try writer.write(data: "compaction", ["status": "failed"], id: id, isTransient: true)
        }
        state.withLock { state in
            state.summary = ConversationSummary(text: text, through: plan.through)
            state.reason = .compaction
        }
        try writer.write(data: "compaction", ["status": "complete"], id: id, isTransient: true)
        let event = CompactionEvent(
            identity: identity, summary: text, compactedCount: plan.compacted.count, keptCount: plan.keptCount,
            step: step)
        await logger.softly("onCompacted", "the summary stays") { try await agent.onCompacted(event) }
    }
}

extension Message {
    /// How many steps the message has.
    var stepCount: Int {
        parts.count { if case .stepStart = $0 { true } else { false } }
    }
}
