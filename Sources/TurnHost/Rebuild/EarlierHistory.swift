import ChatAgent
package import SessionStore

/// A session's history as it was when one of its turns was settled, as far as what is stored tells: a message that a later
/// turn has changed (by a tool's result, or by answering anew) is the later turn's, and so is a summary of the history.
package struct EarlierHistory: Sendable {
    package let messages: [StoredMessage]
    /// What the agent keeps besides; empty if there is nothing.
    package let state: [UInt8]

    /// - Parameter turn: the last turn that is in it; below 0, none is.
    package init(_ messages: [StoredMessage], state: [UInt8], through turn: Int) {
        self.messages = messages.filter { $0.turn <= turn }
        guard turn >= 0 else {
            self.state = []
            return
        }
        guard var kept = try? AgentState(parsing: state), let summary = kept.summary,
            !self.messages.contains(where: { $0.id == summary.through })
        else {
            self.state = state
            return
        }
        kept.summary = nil
        self.state = kept.serialized()
    }

    /// What makes `messages` this history.
    package func change(from messages: [StoredMessage]) -> HistoryChange {
        let keep = zip(messages, self.messages).prefix { $0 == $1 }.count
        return HistoryChange(keep: keep, append: Array(self.messages.dropFirst(keep)))
    }
}
