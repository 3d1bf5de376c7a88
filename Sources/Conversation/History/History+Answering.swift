extension [Message] {
    /// Where the message stands that `wire` answers calls of; `nil` if none does, so that `wire` is a new message.
    ///
    /// That is the latest assistant's message with the same id, unless the id is empty; else the latest assistant's
    /// message that holds one of the calls of `wire`, because a client may have given its copy an id of its own. A
    /// `wire` of another role answers nothing. Takes time in proportion to the number of parts.
    public func indexOfMessage(answering wire: Message) -> Int? {
        guard wire.role == .assistant else { return nil }
        if !wire.id.isEmpty, let index = lastIndex(where: { $0.role == .assistant && $0.id == wire.id }) {
            return index
        }
        let calls = Set(wire.parts.compactMap(\.toolCallID))
        guard !calls.isEmpty else { return nil }
        return lastIndex { message in
            message.role == .assistant
                && message.parts.contains { part in part.toolCallID.map(calls.contains) ?? false }
        }
    }
}

extension Part {
    /// The id of a call; `nil` for other parts and for a call without one.
    fileprivate var toolCallID: String? {
        guard case .tool(let tool) = self, !tool.toolCallID.isEmpty else { return nil }
        return tool.toolCallID
    }
}
