public import Conversation

/// Writes data parts of the answer that is being given. The answer begins with the first one, if it has not begun.
public struct PartWriter: Sendable {
    let stream: ResponseStream

    /// Writes a `data-NAME` part. One with the same name and id as an earlier one replaces it.
    /// - Throws: ``TurnError`` if it is larger than a record may be; `CancellationError` when the turn has ended.
    public func write(data name: String, _ value: JSON, id: String? = nil, isTransient: Bool = false) throws {
        _ = try stream.take(.data(name: name, id: id, data: value, transient: isTransient ? true : nil))
    }
}
