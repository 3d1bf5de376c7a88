public import Conversation

/// An action of the application: something that happens to a session without a turn.
public struct ActionEvent: Sendable {
    public let identity: TurnIdentity
    /// What the request carried; it satisfies ``ChatAgent/actionSchema``.
    public let action: JSON
    /// The history. What is written to it is part of the action's settlement.
    public let history: History
    let stream: ResponseStream
    let control: TurnControl

    /// Shows readers a chunk that joins no message: an answer to the action that the history does not keep.
    /// - Throws: an error for a chunk that does not fit what was written before, or is larger than a record may be;
    ///   `CancellationError` when the action was ended.
    public func write(_ chunk: Chunk) async throws {
        if control.ending != nil { throw CancellationError() }
        if try stream.take(chunk) { await stream.waitUntilWritable() }
    }

    /// Shows readers `text` as a text part of its own.
    public func say(_ text: String) async throws {
        let id = "say-\(stream.message.parts.count)"
        try await write(.textStart(id: id))
        try await write(.textDelta(id: id, delta: text))
        try await write(.textEnd(id: id))
    }
}
