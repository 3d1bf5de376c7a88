package import Conversation

/// What of a session's state the agent keeps beside the history: part of the checkpoint.
package struct AgentState: Sendable, Hashable {
    package var summary: ConversationSummary?
    /// Durable locals by id.
    package var locals: JSONObject

    package init(summary: ConversationSummary? = nil, locals: JSONObject = JSONObject()) {
        self.summary = summary
        self.locals = locals
    }

    /// Reads a stored state; nothing is an empty one.
    package init(parsing bytes: [UInt8]) throws {
        self.init()
        guard !bytes.isEmpty else { return }
        let members = try JSON(parsing: bytes).objectValue ?? JSONObject()
        locals = members["locals"]?.objectValue ?? JSONObject()
        if let summary = members["summary"]?.objectValue, let text = summary["text"]?.stringValue,
            let through = summary["through"]?.stringValue
        {
            self.summary = ConversationSummary(text: text, through: through)
        }
    }

    /// The state as it is stored; empty if there is nothing to store.
    package func serialized() -> [UInt8] {
        var members = JSONObject()
        if !locals.isEmpty { members["locals"] = .object(locals) }
        if let summary {
            members["summary"] = .object(["text": .string(summary.text), "through": .string(summary.through)])
        }
        return members.isEmpty ? [] : JSON.object(members).serialized()
    }
}
