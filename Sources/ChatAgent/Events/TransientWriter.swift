public import Conversation

/// Writes to a session's events outside of any answer.
///
/// Only data parts, and those as transient: they reach readers and never join a message, so that a later recovery can't
/// take them for a part of an answer.
public struct TransientWriter: Sendable {
    private let output: any TurnOutput

    package init(output: any TurnOutput) {
        self.output = output
    }

    /// Writes a transient `data-NAME` part.
    /// - Throws: ``TurnError`` if it is larger than a record may be.
    public func write(data name: String, _ value: JSON, id: String? = nil) throws {
        try output.write(.data(name: name, id: id, data: value, transient: true))
    }
}
