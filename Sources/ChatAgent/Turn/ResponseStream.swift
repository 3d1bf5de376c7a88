package import Conversation
import Synchronization

/// The answer while it comes into being: keeps the stream that readers see well-formed, and the message that it amounts
/// to.
///
/// Begun on a dead run's answer, it goes on in exactly the state in which that run's readers were left: no `start`
/// twice, and text that was cut goes on in the same part.
package final class ResponseStream: Sendable {
    /// How an answer can end.
    package enum Ending: Sendable {
        case completed
        case stopped(reason: String?)
        case failed(TurnError)
    }

    private struct State {
        var assembler: MessageAssembler
        var isClosed = false
        /// Ids that the model of the current step uses for parts that were open before it.
        var renamed: [String: String] = [:]
        /// Parts that an earlier run left open and that the current step may go on in.
        var inherited: [OpenPart] = []
        var finishReason: FinishReason?
        var usage: Usage?

        func holdsCalls(from position: Int) -> Bool {
            assembler.message.parts.dropFirst(position).contains { if case .tool = $0 { true } else { false } }
        }
    }

    private let messageID: String
    /// How many parts of the message earlier turns have settled: those stay as they are, whatever becomes of this turn.
    let baseCount: Int
    private let output: any TurnOutput
    private let state: Mutex<State>

    /// - Parameters:
    ///   - messageID: the answer's id, if it has not begun yet.
    ///   - assembler: the answer as a dead run left it, or as the turns before this one settled it.
    ///   - baseCount: how many of its parts earlier turns have settled.
    ///   - output: where the chunks go.
    package init(
        messageID: String, continuing assembler: MessageAssembler?, baseCount: Int = 0, output: any TurnOutput
    ) {
        self.messageID = messageID
        self.baseCount = baseCount
        self.output = output
        let assembler = assembler ?? MessageAssembler(messageID: messageID)
        state = Mutex(State(assembler: assembler, inherited: assembler.openParts))
    }

    /// The message so far, with the states of what is not finished.
    package var message: Message { state.withLock { $0.assembler.message } }

    /// Whether readers have seen anything of it.
    var isStarted: Bool { state.withLock { $0.assembler.isStarted } }

    /// Where the parts of the step that is open, or was the last one, begin.
    var stepPosition: Int { state.withLock { $0.assembler.stepPosition } }

    /// Whether a step is open that has calls of tools in it.
    var stepHoldsCalls: Bool {
        state.withLock { $0.assembler.isStepOpen && $0.holdsCalls(from: $0.assembler.stepPosition) }
    }

    /// Whether there are calls of tools among the parts from `position` on.
    func holdsCalls(from position: Int) -> Bool {
        state.withLock { $0.holdsCalls(from: position) }
    }

    /// The message so far, if there is anything in it.
    var contentMessage: Message? {
        let message = message
        return message.hasContent ? message : nil
    }

    /// What there is of the answer, cleaned: `nil` if this turn has added nothing that is kept.
    var partial: Message? {
        let message = message
        guard Self.hasOwnContent(message, baseCount: baseCount) else { return nil }
        return Self.cleaned(message, baseCount: baseCount)
    }

    /// Why the last model call ended.
    package var finishReason: FinishReason? { state.withLock { $0.finishReason } }

    /// What the model calls of this run cost together.
    package var usage: Usage? { state.withLock { $0.usage } }

    /// Takes a chunk of the agent's or its model's. Not asynchronous, since this is done for every word of every
    /// answer.
    /// - Returns: whether the output is congested: then ``waitUntilWritable()`` is to be called before the next one.
    /// - Throws: `CancellationError` once the turn has ended; an ``AssemblyError`` or ``TurnError`` for a chunk that
    ///   can't be, which leaves the stream as it was.
    package func take(_ chunk: Chunk) throws -> Bool {
        try Task.checkCancellation()
        try state.withLock { state in
            guard !state.isClosed else { throw CancellationError() }
            try admit(chunk, to: &state)
        }
        return output.isCongested
    }

    /// Suspends while the output is congested.
    package func waitUntilWritable() async {
        await output.waitUntilWritable()
    }

    /// Closes the step that is open, if one is, and notes how its model call ended.
    package func endStep(finishReason: FinishReason, usage: Usage?) throws {
        try state.withLock { state in
            guard !state.isClosed else { throw CancellationError() }
            state.finishReason = finishReason
            if let usage { state.usage = state.usage.map { $0.adding(usage) } ?? usage }
            try closeParts(in: &state)
            if state.assembler.isStepOpen { try put(.finishStep(), in: &state) }
            state.renamed = [:]
        }
    }

    /// The model's call failed and is made again: what is open is left to the next call to go on in, but for a call
    /// whose input was cut off, which has failed.
    func prepareRetry() throws {
        try state.withLock { state in
            guard !state.isClosed else { throw CancellationError() }
            for call in state.assembler.openToolInputs {
                let failure = ToolInputError(
                    toolCallID: call.toolCallID, toolName: call.toolName, input: .string(call.text),
                    errorText: "the call was cut off")
                try put(.toolInputError(failure), in: &state)
            }
            state.renamed = [:]
            state.inherited = state.assembler.openParts
        }
    }

    /// Writes the last chunks and lets no more through.
    /// - Returns: the message, as it is to be stored; `nil` if nothing of an answer is there.
    package func close(_ ending: Ending) -> Message? {
        state.withLock { state in
            guard !state.isClosed else { return nil }
            state.isClosed = true
            // Each of these is legal in any state, so that nothing here can be refused.
            try? closeParts(in: &state)
            if case .completed = ending {} else { try? failGrantedCalls(in: &state) }
            switch ending {
            case .completed:
                try? open(step: false, in: &state)
                if state.assembler.isStepOpen { try? put(.finishStep(), in: &state) }
                try? put(.finish(finishReason: state.finishReason ?? .stop), in: &state)
                return state.assembler.message.hasContent ? state.assembler.message : nil
            case .stopped(let reason):
                if state.assembler.isStepOpen { try? put(.finishStep(), in: &state) }
                try? put(.abort(reason: reason), in: &state)
            case .failed(let error):
                if state.assembler.isStepOpen { try? put(.finishStep(), in: &state) }
                try? put(.error(errorText: error.message), in: &state)
            }
            return Self.cleaned(state.assembler.message, baseCount: baseCount)
        }
    }

    /// A call of an earlier turn that was granted in this one stays in the history; it must not stay open for ever.
    private func failGrantedCalls(in state: inout State) throws {
        for case .tool(let call) in state.assembler.message.parts.prefix(baseCount)
        where call.approval?.approved == true && !call.isSettled {
            try open(step: false, in: &state)
            let chunk = Chunk.toolOutputError(
                toolCallID: call.toolCallID, errorText: "the turn ended before the call had a result")
            try put(chunk, in: &state)
        }
    }

    /// Lets nothing more through and writes nothing: another run goes on with the answer.
    package func abandon() {
        state.withLock { $0.isClosed = true }
    }

    /// What is kept of an answer that did not reach its end: `nil` if that is nothing, or nothing but the opening of a
    /// step and of a text that no word of came. The first `baseCount` parts, which earlier turns settled, are kept as they are.
    package static func cleaned(_ message: Message, baseCount: Int = 0) -> Message? {
        var own = message
        own.parts.removeFirst(min(baseCount, own.parts.count))
        var kept = message
        kept.parts = message.parts.prefix(baseCount) + (own.repaired()?.parts ?? [])
        return kept.parts.allSatisfy(\.isSilent) ? nil : kept
    }

    /// What is settled of an answer: all of one that reached its end, if it says anything, and else what is kept of it.
    package static func settled(_ message: Message, isComplete: Bool, baseCount: Int = 0) -> Message? {
        guard isComplete else { return cleaned(message, baseCount: baseCount) }
        return message.hasContent ? message : nil
    }

    /// Whether a message says anything beyond what earlier turns settled of it.
    package static func hasOwnContent(_ message: Message, baseCount: Int) -> Bool {
        message.parts.dropFirst(baseCount).contains { if case .stepStart = $0 { false } else { true } }
    }

    private func admit(_ chunk: Chunk, to state: inout State) throws {
        switch chunk {
        case .start, .finish, .abort, .error, .startStep, .finishStep:
            throw TurnError(code: "agent_error", message: "a '\(chunk.type)' chunk is the turn's own to write")
        case .textStart(let part):
            try begin(.text, id: part.id, chunk, in: &state)
        case .reasoningStart(let part):
            try begin(.reasoning, id: part.id, chunk, in: &state)
        case .textDelta(var part):
            part.id = state.renamed[part.id] ?? part.id
            try put(.textDelta(part), in: &state)
        case .textEnd(var part):
            part.id = state.renamed.removeValue(forKey: part.id) ?? part.id
            try put(.textEnd(part), in: &state)
        case .reasoningDelta(var part):
            part.id = state.renamed[part.id] ?? part.id
            try put(.reasoningDelta(part), in: &state)
        case .reasoningEnd(var part):
            part.id = state.renamed.removeValue(forKey: part.id) ?? part.id
            try put(.reasoningEnd(part), in: &state)
        case .toolOutputAvailable(let output):
            if output.preliminary == true, state.assembler.message.isSettled(call: output.toolCallID) {
                throw CancellationError()
            }
            try open(step: true, in: &state)
            try closeInherited(in: &state)
            do {
                try put(chunk, in: &state)
            } catch let error as TurnError where error.code == TurnError.chunkTooLargeCode {
                // The call has failed, not the turn.
                try put(.toolOutputError(toolCallID: output.toolCallID, errorText: error.message), in: &state)
            }
        case .data(let data):
            // Data belongs to no step; what is transient does not even belong to the message.
            if data.transient != true { try open(step: false, in: &state) }
            try put(chunk, in: &state)
        default:
            // Data is the application's own, and none of a model's steps.
            let isData = if case .data = chunk { true } else { false }
            try open(step: !isData, in: &state)
            try closeInherited(in: &state)
            try put(chunk, in: &state)
        }
    }

    /// A text or reasoning part begins: in the part that a dead run left open if it is of the same kind, else after
    /// closing that.
    private func begin(_ kind: OpenPart.Kind, id: String, _ chunk: Chunk, in state: inout State) throws {
        if let last = state.inherited.last, last.kind == kind {
            state.inherited.removeLast()
            try closeInherited(in: &state)
            state.renamed[id] = last.id
            return
        }
        try open(step: true, in: &state)
        try closeInherited(in: &state)
        try put(chunk, in: &state)
    }

    private func open(step: Bool, in state: inout State) throws {
        if !state.assembler.isStarted { try put(.start(messageID: messageID), in: &state) }
        if step, !state.assembler.isStepOpen { try put(.startStep(), in: &state) }
    }

    private func closeInherited(in state: inout State) throws {
        let inherited = state.inherited
        state.inherited = []
        for part in inherited { try put(Self.end(of: part), in: &state) }
    }

    private func closeParts(in state: inout State) throws {
        state.inherited = []
        for part in state.assembler.openParts { try put(Self.end(of: part), in: &state) }
    }

    /// The message first, for it may refuse the chunk; then the readers. What is too large for the readers, the message
    /// does not get either.
    private func put(_ chunk: Chunk, in state: inout State) throws {
        if chunk.mayBeTooLarge { try output.check(chunk) }
        try state.assembler.apply(chunk)
        try output.write(chunk)
    }

    private static func end(of part: OpenPart) -> Chunk {
        switch part.kind {
        case .text: .textEnd(id: part.id)
        case .reasoning: .reasoningEnd(id: part.id)
        }
    }
}

extension Message {
    /// Whether the latest call of that id has its result: what its tool still reports is not heard.
    fileprivate func isSettled(call id: String) -> Bool {
        for case .tool(let call) in parts.reversed() where call.toolCallID == id { return call.isSettled }
        return false
    }
}

extension Chunk {
    /// Whether a record may be too small for the chunk. Deltas of text are written in several records if need be.
    fileprivate var mayBeTooLarge: Bool {
        switch self {
        case .textDelta, .reasoningDelta, .startStep, .finishStep: false
        // Every answer has these, and nothing in them is long but what a provider puts in.
        case .textStart(let part), .textEnd(let part), .reasoningStart(let part), .reasoningEnd(let part):
            part.providerMetadata != nil || part.id.utf8.count > 1024 || !part.unknown.isEmpty
        case .start(let start): start.messageMetadata != nil
        case .finish(let finish): finish.messageMetadata != nil
        case .toolInputDelta(let delta): delta.inputTextDelta.utf8.count > 1024
        default: true
        }
    }
}

extension Part {
    /// Whether the part is a place for something that did not come.
    fileprivate var isSilent: Bool {
        switch self {
        case .stepStart: true
        case .text(let part): part.text.isEmpty && part.providerMetadata == nil
        case .reasoning(let part): part.text.isEmpty && part.providerMetadata == nil
        default: false
        }
    }
}
