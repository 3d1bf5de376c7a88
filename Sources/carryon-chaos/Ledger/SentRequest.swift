import Kafka

/// A request that the broker has acknowledged, and what it was sent for.
struct SentRequest: Sendable, Hashable {
    enum Role: Sendable, Hashable {
        /// A user's message; the poison kills every host that carries it out.
        case message(String, isPoison: Bool)
        case regenerate
        /// What somebody says to the call that waits.
        case approval(isGranted: Bool)
        /// For the turn of the request with this id.
        case stop(of: String)
        /// The request with this id once more, by its idempotency key.
        case duplicate(of: String)
        case garbage

        var isTurn: Bool {
            switch self {
            case .message, .regenerate, .approval: true
            case .stop, .duplicate, .garbage: false
            }
        }
    }

    let session: String
    /// The index of the step in the session's plan.
    let step: Int
    /// The request's own id, which garbage is not able to tell anybody.
    let id: String
    /// The id of the message in it, for one of a user.
    let messageID: String?
    let role: Role
    let partition: TopicPartition
    let offset: Int64
}
