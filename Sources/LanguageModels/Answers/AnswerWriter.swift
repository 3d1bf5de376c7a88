import Conversation

/// Turns what a provider's stream says into chunks: parts that begin and end, and calls with the ids that tell them
/// apart.
struct AnswerWriter {
    private enum OpenPart {
        case text(String)
        case reasoning(String)
    }

    private struct Call {
        var id: String?
        var name: String?
        var input = ""
        var wholeInput: JSON?
        var isAnnounced = false
        var isComplete = false
    }

    private var open: OpenPart?
    private var partCount = 0
    /// The reasoning part that the answer was cut off in.
    private var endsOpenReasoning: Bool
    /// What keeps the first text from repeating what was said.
    private var seam: Seam?
    private var ids: CallIDs
    private var calls: [Int: Call] = [:]
    private var slots: [Int] = []

    /// - Parameters:
    ///   - request: what is answered.
    ///   - seam: how the first text meets the unfinished answer; `nil` for a fresh answer.
    ///   - makeID: a new call's id, for servers that give none.
    init(_ request: ModelRequest, seam: Seam?, makeID: @escaping @Sendable () -> String = CallIDs.random) {
        self.seam = seam
        ids = CallIDs(request, makeID)
        endsOpenReasoning =
            if case .reasoning(let part)? = request.continuation?.parts.last {
                part.state == .streaming
            } else {
                false
            }
    }

    /// Whether a tool was called.
    var hasCalls: Bool { !slots.isEmpty }

    /// Writes what comes next.
    mutating func write(_ piece: AnswerPiece, _ emit: @Sendable (Chunk) async throws -> Void) async throws {
        switch piece {
        case .text(let text): try await say(seam?.take(text) ?? text, emit)
        case .textEnd:
            if case .text = open { try await close(emit) }
        case .reasoning(let text): try await reason(text, emit)
        case .reasoningEnd(let metadata): try await endReasoning(metadata, emit)
        case .call(let slot, let id, let name, let input):
            try await change(slot, emit) { call in
                if call.id == nil { call.id = id.flatMap { $0.isEmpty ? nil : $0 } }
                if call.name == nil { call.name = name.flatMap { $0.isEmpty ? nil : $0 } }
                call.input += input
            }
        case .callInput(let slot, let input): try await change(slot, emit) { $0.wholeInput = input }
        case .callEnd(let slot): try await complete(slot, isCut: false, emit)
        }
    }

    /// The answer has ended as a whole: writes what is still to be written.
    /// - Parameter isCut: whether it ended because it got too long.
    /// - Throws: ``ModelError`` for a call of nothing.
    mutating func finish(isCut: Bool, _ emit: @Sendable (Chunk) async throws -> Void) async throws {
        try await close(emit)
        for slot in slots { try await complete(slot, isCut: isCut, emit) }
    }

    private mutating func say(_ text: String, _ emit: @Sendable (Chunk) async throws -> Void) async throws {
        guard !text.isEmpty else { return }
        if case .text(let id) = open { return try await emit(.textDelta(id: id, delta: text)) }
        try await close(emit)
        let id = newPart("t")
        open = .text(id)
        try await emit(.textStart(id: id))
        try await emit(.textDelta(id: id, delta: text))
    }

    private mutating func reason(_ text: String, _ emit: @Sendable (Chunk) async throws -> Void) async throws {
        guard !text.isEmpty else { return }
        if case .reasoning(let id) = open { return try await emit(.reasoningDelta(id: id, delta: text)) }
        try await close(emit)
        try await endOpenReasoning(emit)
        let id = newPart("r")
        open = .reasoning(id)
        try await emit(.reasoningStart(id: id))
        try await emit(.reasoningDelta(id: id, delta: text))
    }

    private mutating func endReasoning(
        _ metadata: JSON?, _ emit: @Sendable (Chunk) async throws -> Void
    ) async throws {
        if case .reasoning(let id) = open {
            open = nil
            return try await emit(.reasoningEnd(TextBoundary(id: id, providerMetadata: metadata)))
        }
        guard let metadata else { return }
        try await close(emit)
        try await endOpenReasoning(emit)
        let id = newPart("r")
        try await emit(.reasoningStart(TextBoundary(id: id, providerMetadata: metadata)))
        try await emit(.reasoningEnd(TextBoundary(id: id, providerMetadata: metadata)))
    }

    /// The first reasoning part goes on in the one that was cut off. That one's thought was lost with its run: it gets
    /// its end and nothing more.
    private mutating func endOpenReasoning(_ emit: @Sendable (Chunk) async throws -> Void) async throws {
        guard endsOpenReasoning else { return }
        endsOpenReasoning = false
        let id = newPart("r")
        try await emit(.reasoningStart(id: id))
        try await emit(.reasoningEnd(id: id))
    }

    private mutating func newPart(_ kind: String) -> String {
        defer { partCount += 1 }
        return "\(kind)\(partCount)"
    }

    private mutating func close(_ emit: @Sendable (Chunk) async throws -> Void) async throws {
        // What was held back because it might be a repetition comes first.
        if seam?.isHolding == true, let rest = seam?.finish() {
            seam = nil
            try await say(rest, emit)
        }
        let part = open
        open = nil
        switch part {
        case .text(let id): try await emit(.textEnd(id: id))
        case .reasoning(let id): try await emit(.reasoningEnd(id: id))
        case nil: break
        }
    }

    private mutating func change(
        _ slot: Int, _ emit: @Sendable (Chunk) async throws -> Void, _ change: (inout Call) -> Void
    ) async throws {
        try await close(emit)
        seam = nil
        var call = calls[slot] ?? Call()
        if calls[slot] == nil { slots.append(slot) }
        let written = call.input.utf8.count
        change(&call)
        defer { calls[slot] = call }
        guard let name = call.name else { return }
        if call.isAnnounced {
            let more = String(decoding: call.input.utf8.dropFirst(written), as: UTF8.self)
            if let id = call.id, !more.isEmpty { try await emit(.toolInputDelta(toolCallID: id, inputTextDelta: more)) }
            return
        }
        let id = ids.own(call.id)
        call.id = id
        call.isAnnounced = true
        try await emit(.toolInputStart(toolCallID: id, toolName: name))
        if !call.input.isEmpty { try await emit(.toolInputDelta(toolCallID: id, inputTextDelta: call.input)) }
    }

    private mutating func complete(
        _ slot: Int, isCut: Bool, _ emit: @Sendable (Chunk) async throws -> Void
    ) async throws {
        guard var call = calls[slot], !call.isComplete else { return }
        call.isComplete = true
        calls[slot] = call
        guard let id = call.id, let name = call.name else {
            throw ModelError(.disconnect, "The provider called a tool without saying which.")
        }
        let isBlank = call.input.allSatisfy(\.isWhitespace)
        if let input = call.wholeInput ?? (isBlank ? .object([:]) : try? JSON(parsing: call.input)) {
            return try await emit(.toolInputAvailable(toolCallID: id, toolName: name, input: input))
        }
        let reason = isCut ? "the answer got too long in the middle of this call" : "the input of this call is not JSON"
        try await emit(
            .toolInputError(
                ToolInputError(toolCallID: id, toolName: name, input: .string(call.input), errorText: reason)))
    }
}
