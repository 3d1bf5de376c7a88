import Conversation

/// A request as models are given it: alternating sides, calls apart from their results, an unfinished answer last.
///
/// Left out is what no model is given: boundaries of steps, sources, an application's data, calls without a result, and
/// files that an assistant has made.
struct ModelPrompt: Sendable {
    enum UserPiece: Sendable, Hashable {
        case text(String)
        case file(FilePart)
    }

    enum AssistantPiece: Sendable, Hashable {
        case text(String)
        case reasoning(ReasoningPart)
        case call(ToolPart)
    }

    /// What a call gave, in words.
    struct CallResult: Sendable, Hashable {
        var id: String
        var text: String
        var isError: Bool
    }

    enum Entry: Sendable, Hashable {
        case system(String)
        case user([UserPiece])
        case assistant([AssistantPiece])
        case results([CallResult])
    }

    private(set) var entries: [Entry] = []
    /// The text that the last entry ends in, if that is an answer to be gone on with. `nil` if the model begins a new
    /// message: for a fresh answer, and behind the results of tools.
    private(set) var unfinished: String?

    init(_ request: ModelRequest) {
        if let system = request.system, !system.isEmpty { entries.append(.system(system)) }
        for message in request.messages {
            switch message.role {
            case .system: if !message.text.isEmpty { entries.append(.system(message.text)) }
            case .user: entries.append(.user(Self.userPieces(message)))
            case .assistant: append(message)
            }
        }
        guard let answer = request.continuation else { return }
        let count = entries.count
        append(answer)
        guard entries.count > count, case .assistant(var pieces)? = entries.last else { return }
        // A thought behind the last words was not finished, and blank space is nothing to go on with.
        while let last = pieces.last, last.isNothingToContinue { pieces.removeLast() }
        entries.removeLast()
        guard case .text(let said)? = pieces.last else { return }
        entries.append(.assistant(pieces))
        unfinished = said
    }

    private static func userPieces(_ message: Message) -> [UserPiece] {
        message.parts.compactMap { part in
            switch part {
            case .text(let part): part.text.isEmpty ? nil : .text(part.text)
            case .file(let part): .file(part)
            default: nil
            }
        }
    }

    private mutating func append(_ message: Message) {
        var pieces: [AssistantPiece] = []
        var results: [CallResult] = []
        for part in message.parts {
            if case .tool(let call) = part {
                guard call.providerExecuted != true, let result = CallResult(call) else { continue }
                pieces.append(.call(call))
                results.append(result)
                continue
            }
            // Whatever comes behind a call comes behind its result.
            if !results.isEmpty { flush(&pieces, &results) }
            switch part {
            case .text(let part) where !part.text.isEmpty:
                if case .text(let before)? = pieces.last {
                    pieces[pieces.count - 1] = .text(before + part.text)
                } else {
                    pieces.append(.text(part.text))
                }
            case .reasoning(let part): pieces.append(.reasoning(part))
            default: break
            }
        }
        flush(&pieces, &results)
    }

    private mutating func flush(_ pieces: inout [AssistantPiece], _ results: inout [CallResult]) {
        // A thought without what it led to is nothing that a provider takes.
        if pieces.contains(where: { if case .reasoning = $0 { false } else { true } }) {
            entries.append(.assistant(pieces))
        }
        if !results.isEmpty { entries.append(.results(results)) }
        (pieces, results) = ([], [])
    }
}

extension ModelPrompt.AssistantPiece {
    fileprivate var isNothingToContinue: Bool {
        switch self {
        case .text(let text): text.allSatisfy(\.isWhitespace)
        case .reasoning: true
        case .call: false
        }
    }
}

extension ModelPrompt.CallResult {
    /// `nil` for a call that has no result.
    init?(_ call: ToolPart) {
        switch call.state {
        case .outputAvailable:
            let output = call.output ?? .null
            self.init(id: call.toolCallID, text: output.stringValue ?? output.serializedString, isError: false)
        case .outputError:
            self.init(id: call.toolCallID, text: "Error: \(call.errorText ?? "the call failed")", isError: true)
        case .outputDenied: self.init(denied: call)
        case .approvalResponded where call.approval?.approved == false: self.init(denied: call)
        case .inputStreaming, .inputAvailable, .approvalRequested, .approvalResponded: return nil
        }
    }

    private init(denied call: ToolPart) {
        let reason = call.approval?.reason.map { ": \($0)" } ?? "."
        self.init(id: call.toolCallID, text: "The user refused to allow this call\(reason)", isError: true)
    }
}

extension ToolPart {
    /// The input as an object, which is the one form that every provider takes.
    var inputObject: JSONObject {
        if let object = input?.objectValue { return object }
        if let raw = rawInput ?? input {
            if let object = raw.objectValue { return object }
            if let parsed = raw.stringValue.flatMap({ try? JSON(parsing: $0) })?.objectValue { return parsed }
            return raw.isNull ? [:] : ["input": raw]
        }
        return [:]
    }
}
