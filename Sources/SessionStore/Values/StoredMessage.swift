/// One message of a session's history. The store does not look into `body`.
package struct StoredMessage: Hashable, Sendable {
    package let id: String
    package let role: String
    /// The turn that wrote the message.
    package let turn: Int
    package let body: [UInt8]

    package init(id: String, role: String, turn: Int, body: [UInt8]) {
        self.id = id
        self.role = role
        self.turn = turn
        self.body = body
    }
}
