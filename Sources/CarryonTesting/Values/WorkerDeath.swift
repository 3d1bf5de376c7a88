import SessionStore
import TurnHost

/// How a worker ends that does not hand its work over.
public enum WorkerDeath: Sendable, Hashable, CustomStringConvertible {
    /// By a signal or an exit status, for instance `SIGSEGV`. Counts against the budget of attempts.
    case crashed(String)
    /// By taking more memory than it may. Counts against a budget of its own.
    case outOfMemory
    /// With its whole node: nobody saw how.
    case unseen

    public var description: String {
        switch self {
        case .crashed(let cause): cause
        case .outOfMemory: "out of memory"
        case .unseen: "lost with its node"
        }
    }

    /// What the next worker is told of it, if anything.
    func seen(host: String) -> HostDeath? {
        switch self {
        case .crashed(let cause): HostDeath(kind: .crashed, cause: cause, hostID: host)
        case .outOfMemory: HostDeath(kind: .outOfMemory, cause: "out of memory", hostID: host)
        case .unseen: nil
        }
    }
}
