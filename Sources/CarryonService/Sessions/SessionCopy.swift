import Conversation
import SessionStore
import TurnHost

/// A session apart from the topics that it came from: what is shown of an earlier turn, forked, exported and imported.
///
/// It has the history and what the agent keeps beside it. It has no runs, no positions and no events: under another id it
/// begins a session of its own, whose events begin at seq 1.
struct SessionCopy: Sendable, Equatable {
    var id: String
    /// How many turns are in it.
    var turns: Int
    var isClosed: Bool
    /// Milliseconds since 1970.
    var updatedAt: Int64
    /// What the agent keeps besides the messages; empty if there is nothing.
    var state: [UInt8]
    var messages: [StoredMessage]

    init(
        id: String, turns: Int, isClosed: Bool = false, updatedAt: Int64, state: [UInt8] = [],
        messages: [StoredMessage] = []
    ) {
        self.id = id
        self.turns = turns
        self.isClosed = isClosed
        self.updatedAt = updatedAt
        self.state = state
        self.messages = messages
    }

    init(_ stored: StoredSession) {
        self.init(
            id: stored.id, turns: stored.turns, isClosed: stored.isClosed, updatedAt: stored.updatedAt,
            state: stored.state ?? [], messages: stored.messages)
    }

    /// The session as it was when `turn` was settled, as far as the store has kept that: a message that a later turn has
    /// changed (by a tool's result, or by answering anew) is the later turn's, and so is a summary of the history.
    /// - Parameter turn: counts from 0.
    /// - Throws: ``CommandFailure`` if there is no such turn.
    func at(turn: Int) throws -> SessionCopy {
        guard (0..<turns).contains(turn) else {
            let known = turns == 0 ? "it has none" : "it has the turns 0 to \(turns - 1)"
            throw CommandFailure(.failed, "the session '\(id)' has no turn \(turn): \(known)")
        }
        if turn == turns - 1 { return self }
        var earlier = self
        earlier.turns = turn + 1
        earlier.isClosed = false
        let history = EarlierHistory(messages, state: state, through: turn)
        (earlier.messages, earlier.state) = (history.messages, history.state)
        return earlier
    }
}
