/// Where a page of sessions ended: `UPDATED:ID`.
struct SessionCursor: Hashable, Sendable {
    let updatedAt: Int64
    let id: String

    init(updatedAt: Int64, id: String) {
        self.updatedAt = updatedAt
        self.id = id
    }

    init(text: String) throws(StoreError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let updatedAt = Int64(parts[0]) else {
            throw StoreError(
                code: .invalidCursor, operation: "listing sessions",
                reason: "the cursor is not one of a list of sessions")
        }
        self.init(updatedAt: updatedAt, id: String(parts[1]))
    }

    var text: String { "\(updatedAt):\(id)" }
}
