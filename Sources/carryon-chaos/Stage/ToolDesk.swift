import Conversation
import HTTPTestServer
import Synchronization

/// Carries the agent's tools out, and counts how often each call was.
final class ToolDesk: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    /// How often each call was carried out, by its id.
    var executions: [String: Int] { counts.withLock { $0 } }

    /// Counts the call and answers it after a while, which is the same one for each time the call is made.
    func answer(_ request: ReceivedRequest) -> ServerReply {
        guard let id = request["Idempotency-Key"] else { return .json("{}", status: 400) }
        counts.withLock { $0[id, default: 0] += 1 }
        let delay = id.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % 400
        return .after(.milliseconds(delay), .json(ExpectedAnswer.output(of: id).serializedString))
    }
}
