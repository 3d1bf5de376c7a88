public import Conversation

/// A model without a network and without weights, that gives the same answer every time.
///
/// It reads the last user message. Plain text is restated word by word, followed by how many messages the prompt holds.
/// A message whose first line is `#script` is a program, one step a line:
///
/// | line | effect |
/// | --- | --- |
/// | `say TEXT` | streams the text word by word |
/// | `tokens N [EVERY]` | streams the numbers from 1 to N, one per EVERY |
/// | `reason TEXT` | a reasoning part |
/// | `tool NAME JSON` | calls the tool; the rest runs once the prompt shows its result |
/// | `sleep TIME` | waits |
/// | `prompt` | says the prompt: one line per message, `role: text` |
/// | `fail CODE` | fails as a provider would, with a ``ModelError/Code`` |
/// | `crash SIGNAL [upto N]` | sends the process the signal; with `upto N` only in the turn's first N runs |
/// | `allocate SIZE [upto N]` | takes memory, and holds it until the answer ends |
///
/// A malformed program fails with ``ModelError/Code/invalidRequest`` before anything is said, and so do `crash` and
/// `allocate` where fault injection is off.
///
/// Given an unfinished answer, the model goes on where that stops, be it within a word: both together are what an
/// uninterrupted answer would have been. Steps that leave nothing in the answer are past as soon as a part behind them
/// was begun. Parts that the program would not have written are passed over.
public struct ScriptedModel: LanguageModel {
    public let name = "scripted"

    private let faultInjection: Bool
    private let interval: Duration?
    private let clock: any Clock<Duration>
    private let kill: @Sendable (Int32) -> Void

    /// Makes a scripted model.
    ///
    /// - Parameters:
    ///   - faultInjection: whether programs may kill this process and take its memory.
    ///   - interval: the pause between the words of plain answers and of `say`; `nil` for none.
    ///   - clock: what every pause is measured by.
    public init(
        faultInjection: Bool = false, interval: Duration? = nil, clock: any Clock<Duration> = ContinuousClock()
    ) {
        self.init(faultInjection: faultInjection, interval: interval, clock: clock, kill: ScriptSignal.sendToSelf)
    }

    /// - Parameter kill: takes the place of sending this process a signal.
    package init(
        faultInjection: Bool, interval: Duration? = nil, clock: any Clock<Duration> = ContinuousClock(),
        kill: @escaping @Sendable (Int32) -> Void
    ) {
        self.faultInjection = faultInjection
        self.interval = interval
        self.clock = clock
        self.kill = kill
    }

    public func generate(
        _ request: ModelRequest, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> ModelResponse {
        let conversation = ScriptedConversation(request)
        let script = try Script(
            message: conversation.question?.text ?? "", prompt: conversation.prompt, allowsFaults: faultInjection)
        let plan = ScriptPlan(
            script, prompt: conversation.prompt, messageID: conversation.question?.id ?? "", interval: interval)
        let point = ResumePoint(in: plan, after: conversation.answer)
        let (finishReason, wordCount) = try await perform(plan, from: point, run: request.run, on: clock, emit: emit)
        let inputTokens = conversation.wordCount
        return ModelResponse(
            finishReason: finishReason,
            usage: Usage(
                inputTokens: inputTokens, outputTokens: wordCount, totalTokens: inputTokens + wordCount))
    }

    /// Opens the clock's type, so that a pause can be measured from instant to instant.
    private func perform<C: Clock>(
        _ plan: ScriptPlan, from point: ResumePoint, run: Int, on clock: C, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> (FinishReason, wordCount: Int) where C.Duration == Duration {
        let memory = HeldMemory()
        defer { memory.release() }
        var performance = ScriptPerformance(clock: clock, run: run, memory: memory, kill: kill)
        let finishReason = try await performance.play(plan, from: point, emit: emit)
        return (finishReason, performance.wordCount)
    }
}
