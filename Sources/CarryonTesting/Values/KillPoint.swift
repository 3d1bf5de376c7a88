import TurnHost

/// The named steps of a turn at which a worker can be made to die or to wait.
public enum KillPoint: String, Sendable, Hashable, CaseIterable {
    /// The turn is taken up; nothing of its run is on record.
    case beforeBeginRun = "before-begin-run"
    /// The run is on record; nothing of it is published.
    case afterBeginRun = "after-begin-run"
    /// A piece of text or reasoning is published. Every piece that the agent writes is a step of its own.
    case midStream = "mid-stream"
    /// A tool is about to be called, and that it is, is on record. Every call is a step of its own.
    case beforeTool = "before-tool"
    /// A tool has returned; its result is not published.
    case afterTool = "after-tool"
    /// A step of the answer has ended and another one follows. A message that is to join the turn here has to be there
    /// before: see ``MockChatAgent/enqueue(_:data:at:occurrence:)``.
    case stepBoundary = "step-boundary"
    /// The answer is complete and published; nothing of it is settled.
    case beforeSettle = "before-settle"
    /// The settlement is written; the worker has not heard of it.
    case inSettle = "in-settle"
    /// The settlement is written; the event that closes the turn is not.
    case afterSettle = "after-settle"
    /// The event that closes the turn is written; the offset is not committed. A worker that waits here waits for the
    /// acknowledgement of that event, so a request that ends without one passes by.
    case beforeCommit = "before-commit"
    /// The agent's `onTurnComplete` has returned, and what it changed is stored.
    case afterComplete = "after-complete"

    init(_ step: TurnStep) {
        switch step {
        case .beforeBeginRun: self = .beforeBeginRun
        case .afterBeginRun: self = .afterBeginRun
        case .midStream: self = .midStream
        case .beforeTool: self = .beforeTool
        case .afterTool: self = .afterTool
        case .stepBoundary: self = .stepBoundary
        case .beforeSettle: self = .beforeSettle
        case .inSettle: self = .inSettle
        case .afterSettle: self = .afterSettle
        case .beforeCommit: self = .beforeCommit
        case .afterComplete: self = .afterComplete
        }
    }
}
