public import Conversation
import Synchronization

/// A session's history, as a hook may read and change it.
///
/// A reader sees what the same hook wrote before. What was written takes effect when the hook has returned (for
/// ``ChatAgent/run(_:)``: before the answer is put on top), and becomes durable with the turn's settlement. Safe to use
/// from any task while the hook runs; afterwards a write changes nothing.
public final class History: Sendable {
    private struct State {
        var base: [Message]
        var edited: [Message]?
        var isOpen = true
    }

    private let state: Mutex<State>

    package init(_ messages: [Message]) {
        state = Mutex(State(base: messages))
    }

    /// The messages, oldest first. A copy: changing it changes nothing here.
    public var messages: [Message] { state.withLock { $0.edited ?? $0.base } }

    /// The message with this id.
    public func message(id: String) -> Message? {
        messages.last { $0.id == id }
    }

    /// The calls of the latest assistant message that wait for an answer from outside. A later user message does not
    /// clear them; calls that wait for an approval are not among them.
    public var pendingToolCalls: [ToolCallReference] { messages.pendingToolCalls }

    /// The calls of the whole history that have a result or an error. Refused ones are not among them.
    public var resolvedToolCalls: [ToolCallReference] { messages.resolvedToolCalls }

    /// What the tool parts of an assistant message say that the history does not know yet, each call once.
    public func newToolResults(in message: Message) -> [ToolResult] { messages.newToolResults(in: message) }

    /// Whether no call waits for a result, so that the history may be summarised.
    public var isCompactionSafe: Bool { messages.isCompactionSafe }

    /// Replaces the whole history.
    public func set(_ messages: [Message]) {
        edit { $0 = messages }
    }

    /// Drops the message with this id; an unknown id changes nothing.
    public func remove(id: String) {
        edit { $0 = $0.removing(id: id) }
    }

    /// Drops what comes after the message with this id, which stays; an unknown id changes nothing.
    public func rollBack(to id: String) {
        edit { $0 = $0.rolledBack(toID: id) }
    }

    /// Puts `message` in the place of the one with this id; an unknown id changes nothing.
    public func replace(id: String, with message: Message) {
        edit { $0 = $0.replacing(id: id, with: message) }
    }

    /// Keeps the messages from `start` up to, but not including, `end`. Negative indexes count from the end:
    /// `slice(0, -2)` takes the last exchange back.
    public func slice(_ start: Int, _ end: Int? = nil) {
        edit { $0 = $0.sliced(from: start, to: end) }
    }

    private func edit(_ change: (inout [Message]) -> Void) {
        state.withLock { state in
            guard state.isOpen else { return }
            var messages = state.edited ?? state.base
            change(&messages)
            state.edited = messages
        }
    }

    /// Ends the hook's say.
    /// - Returns: the history that it wrote, if it wrote one.
    package func close() -> [Message]? {
        state.withLock { state in
            state.isOpen = false
            defer { state.edited = nil }
            state.base = []
            return state.edited
        }
    }
}
