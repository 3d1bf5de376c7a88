/// Histories made out of this one. An id that no message has, or an empty one, changes nothing; messages without an id
/// cannot be named.
extension [Message] {
    /// This history without the message of that id.
    public func removing(id: String) -> [Message] {
        id.isEmpty ? self : filter { $0.id != id }
    }

    /// This history up to the message of that id, which is kept.
    public func rolledBack(toID id: String) -> [Message] {
        guard let index = lastIndex(ofID: id) else { return self }
        return Array(self[...index])
    }

    /// This history with another message in the place of the one of that id. The new one may have an id of its own.
    public func replacing(id: String, with message: Message) -> [Message] {
        guard let index = lastIndex(ofID: id) else { return self }
        var history = self
        history[index] = message
        return history
    }

    /// The messages from one position up to another, which is not included.
    ///
    /// Negative positions count from the end, so that `sliced(from: 0, to: -2)` leaves out the last two. Positions
    /// outside of the history mean its beginning or its end; if the first is not before the second, nothing is left.
    public func sliced(from start: Int, to end: Int? = nil) -> [Message] {
        let (first, last) = (position(start), position(end ?? count))
        return first < last ? Array(self[first..<last]) : []
    }

    private func position(_ position: Int) -> Int {
        position < 0 ? Swift.max(count + position, 0) : Swift.min(position, count)
    }

    private func lastIndex(ofID id: String) -> Int? {
        id.isEmpty ? nil : lastIndex { $0.id == id }
    }
}
