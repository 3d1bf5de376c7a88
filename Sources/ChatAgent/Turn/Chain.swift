package import Conversation

/// A session's history in memory, which knows how it differs from what is stored.
///
/// What a turn costs must not depend on how long the history is: appending and finding by id take constant time, and
/// the difference is kept while it is made, never searched for.
package struct Chain: Sendable {
    /// The history, oldest first.
    package private(set) var messages: [Message]
    private var indexes: [String: Int]
    private var storedCount: Int
    /// How many messages are stored, whether they stay or not.
    private var wholeCount: Int
    private var replaced: Set<Int> = []

    /// The difference between a chain and what is stored of it.
    package struct Change: Sendable, Hashable {
        /// How many of the stored messages stay.
        package var keep: Int
        /// Stored messages that have new content, by their index below `keep`.
        package var replaced: [Int]
        /// From which index on the messages are new.
        package var appendedFrom: Int
    }

    /// A chain that is stored as it is.
    package init(stored messages: [Message] = []) {
        self.messages = messages
        storedCount = messages.count
        wholeCount = messages.count
        indexes = Self.indexes(of: messages)
    }

    package var count: Int { messages.count }

    /// Where the message with this id stands; a message without an id is never found.
    package func index(of id: String) -> Int? { id.isEmpty ? nil : indexes[id] }

    /// Where the message stands that `wire` answers calls of: by its id, or else by the calls'.
    package func index(answering wire: Message) -> Int? {
        if let index = index(of: wire.id), messages[index].role == .assistant { return index }
        return messages.indexOfMessage(answering: wire)
    }

    /// Puts `message` at the end, or in the place of the one with the same id.
    /// - Returns: its index.
    @discardableResult
    package mutating func merge(_ message: Message) -> Int {
        guard let index = index(of: message.id) else {
            messages.append(message)
            if !message.id.isEmpty { indexes[message.id] = messages.count - 1 }
            return messages.count - 1
        }
        if messages[index] != message {
            messages[index] = message
            if index < storedCount { replaced.insert(index) }
        }
        return index
    }

    /// Drops everything from `count` on.
    package mutating func truncate(to count: Int) {
        guard count < messages.count else { return }
        for message in messages[count...] where indexes[message.id].map({ $0 >= count }) == true {
            indexes[message.id] = nil
        }
        messages.removeSubrange(count...)
        storedCount = min(storedCount, count)
        replaced = replaced.filter { $0 < count }
    }

    /// Drops the assistant's messages at the end, which a regenerate makes anew.
    package mutating func dropTrailingAnswers() {
        var count = messages.count
        while count > 0, messages[count - 1].role == .assistant { count -= 1 }
        truncate(to: count)
    }

    /// Replaces the whole history. What both have in common at the beginning counts as unchanged; of messages with the
    /// same id the last one counts, in the first one's place.
    package mutating func set(_ list: [Message]) {
        let common = zip(messages, list).prefix { $0 == $1 }.count
        truncate(to: common)
        for message in list.dropFirst(common) { merge(message) }
    }

    /// How the chain differs from what is stored.
    package var change: Change {
        Change(keep: storedCount, replaced: replaced.sorted(), appendedFrom: storedCount)
    }

    /// Whether it differs from what is stored at all.
    package var isChanged: Bool {
        storedCount < wholeCount || storedCount < messages.count || !replaced.isEmpty
    }

    /// The chain was written: from now on it is what is stored.
    package mutating func markStored() {
        storedCount = messages.count
        wholeCount = messages.count
        replaced = []
    }

    private static func indexes(of messages: [Message]) -> [String: Int] {
        var indexes: [String: Int] = [:]
        indexes.reserveCapacity(messages.count)
        for (index, message) in messages.enumerated() where !message.id.isEmpty { indexes[message.id] = index }
        return indexes
    }
}
