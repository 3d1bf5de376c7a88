package import Conversation

/// Where a turn's chunks go: in order, to the session's events.
package protocol TurnOutput: Sendable {
    /// Takes the next chunk. Never blocks.
    /// - Throws: ``TurnError`` if the chunk is larger than a record may be; the stream goes on without it.
    func write(_ chunk: Chunk) throws
    /// Whether ``write(_:)`` would take the chunk.
    /// - Throws: ``TurnError`` if it is larger than a record may be.
    func check(_ chunk: Chunk) throws
    /// Takes a control record of the turn.
    func write(_ control: ControlRecord)
    /// Whether so much is on its way that the writer should wait.
    var isCongested: Bool { get }
    /// Suspends while the output is congested.
    func waitUntilWritable() async
}
