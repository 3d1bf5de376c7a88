import TurnHost

/// The named steps of a turn at which a worker can be made to die or to wait.
public enum KillPoint: String, Sendable, Hashable, CaseIterable {
    /// The turn is taken up; nothing of its run is on record.
    case beforeBeginRun = "before-begin-run"
    /// The run is on record; nothing of it is published.
    case afterBeginRun = "after-begin-run"
    /// A piece of text or reasoning is published. Every piece that the agent writes is a step of its own.
    case midStream = "mid-stream"
    /// The answer is complete and published; nothing of it is settled.
    case beforeSettle = "before-settle"
    /// The settlement is written; the worker has not heard of it.
    case inSettle = "in-settle"
    /// The settlement is written; the event that closes the turn is not.
    case afterSettle = "after-settle"
    /// The event that closes the turn is written; the offset is not committed. A worker that waits here waits for the
    /// acknowledgement of that event, so a request that ends without one passes by.
    case beforeCommit = "before-commit"

    init(_ step: TurnStep) {
        switch step {
        case .beforeBeginRun: self = .beforeBeginRun
        case .afterBeginRun: self = .afterBeginRun
        case .midStream: self = .midStream
        case .beforeSettle: self = .beforeSettle
        case .inSettle: self = .inSettle
        case .afterSettle: self = .afterSettle
        case .beforeCommit: self = .beforeCommit
        }
    }
}
