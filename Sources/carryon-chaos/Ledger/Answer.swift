import Conversation

/// What an answer says, whatever it is made of: parts of one kind that touch are one.
struct Answer: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text(String)
        case reasoning(String)
        case call(Call)
    }

    struct Call: Sendable, Hashable {
        enum State: Sendable, Hashable {
            /// Neither made nor asked about.
            case open
            case asked
            case answered(isGranted: Bool)
            case done(JSON)
            case failed(String)
            case denied
        }

        let id: String
        let tool: String
        let input: JSON
        var state: State
    }

    private(set) var pieces: [Piece] = []

    var isEmpty: Bool { pieces.isEmpty }

    var calls: [Call] {
        pieces.compactMap { if case .call(let call) = $0 { call } else { nil } }
    }

    init(_ pieces: [Piece] = []) {
        for piece in pieces { append(piece) }
    }

    mutating func append(_ piece: Piece) {
        switch (pieces.last, piece) {
        case (_, .text("")), (_, .reasoning("")): return
        case (.text(let before), .text(let more)): pieces[pieces.count - 1] = .text(before + more)
        case (.reasoning(let before), .reasoning(let more)): pieces[pieces.count - 1] = .reasoning(before + more)
        default: pieces.append(piece)
        }
    }

    mutating func setState(ofCall id: String, _ state: Call.State) {
        for (index, piece) in pieces.enumerated() {
            guard case .call(var call) = piece, call.id == id else { continue }
            call.state = state
            pieces[index] = .call(call)
        }
    }

    /// Without calls that came to nothing: a cleaned answer has none.
    var withoutOpenCalls: Answer {
        Answer(pieces.filter { if case .call(let call) = $0 { call.state != .open } else { true } })
    }

    /// Whether `whole` begins with it, calls being known by their ids alone.
    func begins(_ whole: Answer) -> Bool {
        for (index, piece) in pieces.enumerated() {
            guard index < whole.pieces.count else { return false }
            switch (piece, whole.pieces[index]) {
            case (.text(let mine), .text(let theirs)), (.reasoning(let mine), .reasoning(let theirs)):
                let isLast = index == pieces.count - 1
                guard mine == theirs || (isLast && theirs.hasPrefix(mine)) else { return false }
            case (.call(let mine), .call(let theirs)):
                guard mine.id == theirs.id, mine.tool == theirs.tool, mine.input == theirs.input else { return false }
            default: return false
            }
        }
        return true
    }
}

extension Answer {
    /// What a stored message says.
    init(_ message: Message) {
        self.init()
        for part in message.parts {
            switch part {
            case .text(let part): append(.text(part.text))
            case .reasoning(let part): append(.reasoning(part.text))
            case .tool(let part):
                append(
                    .call(
                        Call(
                            id: part.toolCallID, tool: part.toolName, input: part.input ?? .null,
                            state: Self.state(of: part))))
            default: continue
            }
        }
    }

    private static func state(of part: ToolPart) -> Call.State {
        switch part.state {
        case .inputStreaming, .inputAvailable: .open
        case .approvalRequested: .asked
        case .approvalResponded: .answered(isGranted: part.approval?.approved == true)
        case .outputAvailable: .done(part.output ?? .null)
        case .outputError: .failed(part.errorText ?? "")
        case .outputDenied: .denied
        }
    }

    /// Goes on with what a turn's chunks say.
    mutating func apply(_ chunks: [Chunk]) {
        for chunk in chunks {
            switch chunk {
            case .textDelta(let delta): append(.text(delta.delta))
            case .reasoningDelta(let delta): append(.reasoning(delta.delta))
            case .toolInputAvailable(let call):
                if calls.contains(where: { $0.id == call.toolCallID }) { continue }
                append(.call(Call(id: call.toolCallID, tool: call.toolName, input: call.input ?? .null, state: .open)))
            case .toolApprovalRequest(let request): setState(ofCall: request.toolCallID, .asked)
            case .toolOutputAvailable(let output): setState(ofCall: output.toolCallID, .done(output.output ?? .null))
            case .toolOutputError(let error): setState(ofCall: error.toolCallID, .failed(error.errorText))
            case .toolOutputDenied(let denial): setState(ofCall: denial.toolCallID, .denied)
            default: continue
            }
        }
    }
}
