/// What a list of sessions shows of each.
package struct SessionSummary: Hashable, Sendable, Identifiable {
    package let id: String
    package let revision: Int64
    /// The number of the next turn.
    package let turns: Int
    package let messageCount: Int
    package let isClosed: Bool
    /// Milliseconds since 1970, like `updatedAt`.
    package let createdAt: Int64
    package let updatedAt: Int64

    package init(
        id: String, revision: Int64, turns: Int, messageCount: Int, isClosed: Bool, createdAt: Int64, updatedAt: Int64
    ) {
        self.id = id
        self.revision = revision
        self.turns = turns
        self.messageCount = messageCount
        self.isClosed = isClosed
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
