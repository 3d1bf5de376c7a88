/// Why a test could not be carried on.
public enum MockChatError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A request was to be waited for while no worker is there to carry it out.
    case noWorker
    /// The session's state was to be laid out after a worker had begun with it.
    case alreadyBooted
    /// What was to be waited for did not come within the bound.
    case timedOut(waitingFor: String, after: Duration)
    /// A state was laid out that no session can have.
    case impossibleState(reason: String)

    /// Stable, in snake case.
    public var code: String {
        switch self {
        case .noWorker: "no_worker"
        case .alreadyBooted: "already_booted"
        case .timedOut: "timed_out"
        case .impossibleState: "impossible_state"
        }
    }

    public var description: String {
        switch self {
        case .noWorker: "No worker is there to carry the request out: boot() the next one, or enqueue the request."
        case .alreadyBooted: "A session's state can be laid out only before its first worker boots."
        case .timedOut(let what, let bound):
            "\(what) did not come within \(bound): the agent's code may wait for a clock that nobody moves on."
        case .impossibleState(let reason): "No session can be in that state: \(reason)."
        }
    }
}
