import Conversation

/// One pass through a plan.
struct ScriptPerformance<C: Clock> where C.Duration == Duration {
    private let clock: C
    private let run: Int
    private let memory: HeldMemory
    private let kill: @Sendable (Int32) -> Void
    private(set) var wordCount = 0

    init(clock: C, run: Int, memory: HeldMemory, kill: @escaping @Sendable (Int32) -> Void) {
        self.clock = clock
        self.run = run
        self.memory = memory
        self.kill = kill
    }

    /// Plays the plan from `point` to its end, or to the first call of a tool.
    mutating func play(
        _ plan: ScriptPlan, from point: ResumePoint, emit: @Sendable (Chunk) async throws -> Void
    ) async throws -> FinishReason {
        if point.isWaiting { return .toolCalls }
        if let closing = point.closing {
            // The first part of the open part's kind goes on in it: this one ends it and adds nothing.
            try await emit(closing.kind.start(id: closing.id))
            try await emit(closing.kind.end(id: closing.id))
        }
        for index in point.step..<plan.steps.count {
            switch plan.steps[index] {
            case .speech(let speech):
                try await say(speech, from: index == point.step ? point.offset : 0, emit: emit)
            case .call(let call):
                try await emit(.toolInputStart(toolCallID: call.id, toolName: call.name))
                try await emit(.toolInputAvailable(toolCallID: call.id, toolName: call.name, input: call.input))
                return .toolCalls
            case .sleep(let duration):
                try await clock.sleep(for: duration)
            case .fail(let code):
                throw ModelError(code, "the script asks for this failure")
            case .crash(let signal, let runs):
                if runs.contains(run) { kill(signal) }
            case .allocate(let byteCount, let runs):
                if runs.contains(run) { try await allocate(byteCount) }
            }
        }
        return .stop
    }

    private mutating func say(
        _ speech: ScriptPlan.Speech, from offset: Int, emit: @Sendable (Chunk) async throws -> Void
    ) async throws {
        var metronome = speech.interval.map { Metronome(clock: clock, interval: $0) }
        let text = speech.text
        let start = text.utf8.index(text.startIndex, offsetBy: offset)
        try await emit(speech.kind.start(id: speech.id))
        for word in Words(text[start...]) {
            try await metronome?.beat()
            try Task.checkCancellation()
            try await emit(speech.kind.delta(id: speech.id, word))
            wordCount += 1
        }
        try await emit(speech.kind.end(id: speech.id))
    }

    private func allocate(_ byteCount: Int) async throws {
        let goal = memory.byteCount.addingReportingOverflow(byteCount)
        while goal.overflow || memory.byteCount < goal.partialValue {
            let missing = goal.overflow ? HeldMemory.blockSize : goal.partialValue - memory.byteCount
            guard memory.take(min(missing, HeldMemory.blockSize)) else {
                // A limit that refuses memory instead of killing ends in the same death.
                kill(ScriptSignal.outOfMemory)
                return
            }
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}
