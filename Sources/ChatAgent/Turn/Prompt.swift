import Conversation

/// What a model is given of a history and of the answer that is being given: a pure function of both.
///
/// A summary stands in the place of what it summarises; messages that joined a turn stand where they joined it; calls
/// without a result are left out, since no model takes them; and outputs are as their tools show them to a model.
struct Prompt {
    /// Oldest first, without the answer that is to be gone on with.
    var messages: [Message]
    /// The answer to go on with.
    var continuation: Message?

    /// - Parameters:
    ///   - chain: the history; an answer that goes on from earlier turns is in its place in there.
    ///   - answer: the answer so far, if it has begun.
    ///   - baseCount: how many of the answer's parts earlier turns have settled.
    ///   - background: messages of no transcript, by the id of the message that they stand behind.
    init(
        chain: [Message], answer: Message, baseCount: Int, summary: ConversationSummary?,
        background: [String: [Message]], injected: [WaitingMessage], tools: ToolSet
    ) {
        var history = chain[...]
        messages = []
        if let summary, let index = chain.lastIndex(where: { $0.id == summary.through }) {
            history = chain[(index + 1)...]
            messages.append(summary.message)
        }
        // Most histories are given as they are, and may be long.
        if background.isEmpty, baseCount == 0, !answer.needsCare, !history.contains(where: \.needsCare) {
            if messages.isEmpty { messages = Array(history) } else { messages += history }
            continuation = answer.hasContent ? answer : nil
            return
        }
        let known = Dictionary(injected.map { ($0.message.id, $0.message) }, uniquingKeysWith: { $1 })
        let joined = Self.joined(in: history, answer)
        // An answer with nothing after it is gone on with; one in the middle keeps its place.
        let isLast = baseCount == 0 || history.last?.id == answer.id
        for var message in history {
            if joined.contains(message.id) { continue }
            if baseCount > 0, message.id == answer.id {
                if isLast { continue }
                // Calls that were granted have got their results since.
                message.parts = Array(answer.parts.prefix(baseCount))
            }
            let (before, rest) = Self.split(message, known, in: history, tools)
            messages += before
            if let rest { messages.append(rest) }
            if let more = background[message.id] { messages += more }
        }
        var rest = answer
        if !isLast { rest.parts.removeFirst(min(baseCount, rest.parts.count)) }
        let (before, last) =
            rest.parts.contains(where: \.needsCare)
            ? Self.split(rest, known, in: history, tools) : ([], rest.hasContent ? rest : nil)
        messages += before
        // What was injected between two steps stands before what the model goes on with.
        if isLast { messages += background[answer.id] ?? [] }
        continuation = last
    }

    private static func joined(in history: ArraySlice<Message>, _ answer: Message) -> Set<String> {
        var ids = Set(answer.injectedMessages().map(\.message.id))
        for message in history where message.role == .assistant {
            for case .data(let data) in message.parts where data.name == SteeringNotice.name {
                ids.formUnion(SteeringNotice(.data(data))?.entries.map(\.id) ?? [])
            }
        }
        return ids
    }

    /// An answer, cut where messages joined its turn: what comes before the last of them, and what comes after it.
    private static func split(
        _ message: Message, _ known: [String: Message], in history: ArraySlice<Message>, _ tools: ToolSet
    ) -> (before: [Message], rest: Message?) {
        guard message.needsCare else { return ([message], nil) }
        var before: [Message] = []
        var piece = message
        piece.parts = []
        for part in message.parts {
            if let notice = SteeringNotice(part) {
                if piece.hasContent { before.append(piece) }
                piece.parts = []
                before += notice.entries.map { entry in
                    known[entry.id] ?? history.last { $0.id == entry.id } ?? .user(id: entry.id, text: entry.text)
                }
            } else if let part = shown(part, tools) {
                piece.parts.append(part)
            }
        }
        return (before, piece.hasContent ? piece : nil)
    }

    private static func shown(_ part: Part, _ tools: ToolSet) -> Part? {
        guard case .tool(var call) = part else { return part }
        switch call.state {
        case .inputStreaming, .inputAvailable, .approvalRequested: return nil
        case .approvalResponded where call.approval?.approved == true: return nil
        case .approvalResponded, .outputError, .outputDenied: return part
        case .outputAvailable:
            if let mapped = tools[call.toolName]?.modelOutput, let output = call.output { call.output = mapped(output) }
            return .tool(call)
        }
    }
}

extension Message {
    fileprivate var needsCare: Bool { role == .assistant && parts.contains(where: \.needsCare) }
}

extension Part {
    /// Whether a model may have to be given something else in the part's place.
    fileprivate var needsCare: Bool {
        switch self {
        case .tool: true
        case .data(let data): data.name == SteeringNotice.name
        default: false
        }
    }
}
