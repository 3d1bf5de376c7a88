extension [Message] {
    /// The calls that wait for a result: those in `input-available` of the latest assistant's message, in order.
    ///
    /// What the user has written since does not clear them; an assistant's message does, with calls or without. Calls
    /// that wait for an approval are not pending, nor is a call without an id.
    public var pendingToolCalls: [ToolCallReference] {
        guard let message = last(where: { $0.role == .assistant }) else { return [] }
        return message.pendingToolCalls.map { call in
            ToolCallReference(toolCallID: call.toolCallID, toolName: call.toolName, messageID: message.id)
        }
    }

    /// The calls of the whole history that have their final result or error, in order. A refused call has none.
    public var resolvedToolCalls: [ToolCallReference] {
        flatMap { message in
            message.toolResults.map { result in
                ToolCallReference(toolCallID: result.toolCallID, toolName: result.toolName, messageID: message.id)
            }
        }
    }

    /// The results that an assistant's message brings to this history: those of calls that have none in it, in order.
    /// Of several results for one call the first counts. Messages of other roles bring none.
    ///
    /// Ask before the message is merged into the history. Takes time in proportion to both.
    public func newToolResults(in message: Message) -> [ToolResult] {
        guard message.role == .assistant else { return [] }
        let results = message.toolResults
        guard !results.isEmpty else { return [] }
        var known = Set(lazy.flatMap(\.toolResults).map(\.toolCallID))
        return results.filter { known.insert($0.toolCallID).inserted }
    }

    /// Whether no call of the history still waits for its result or for an approval, so that a summary may stand for it:
    /// a result that came after that would find no call. Old calls of the AI SDK's version 4 count as well. A
    /// preliminary result is a result here, because nothing but the answer that it is part of would replace it.
    public var isCompactionSafe: Bool {
        allSatisfy { message in
            message.parts.allSatisfy { part in
                switch part {
                case .tool(let tool): tool.state.isTerminal
                case .unknown(let members): !LegacyToolInvocation.isUnfinished(members)
                case .text, .reasoning, .file, .sourceURL, .sourceDocument, .data, .stepStart: true
                }
            }
        }
    }
}

extension Message {
    fileprivate var toolResults: [ToolResult] {
        parts.compactMap { part in
            guard case .tool(let tool) = part else { return nil }
            return ToolResult(tool)
        }
    }
}
