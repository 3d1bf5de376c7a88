import ChatAgent

/// The named steps of a turn at which a process can be made to die, so that what follows can be tested.
package enum TurnStep: String, Sendable, CaseIterable, Codable {
    case beforeBeginRun = "before-begin-run"
    case afterBeginRun = "after-begin-run"
    case midStream = "mid-stream"
    case beforeTool = "before-tool"
    case afterTool = "after-tool"
    case stepBoundary = "step-boundary"
    case beforeSettle = "before-settle"
    case inSettle = "in-settle"
    case afterSettle = "after-settle"
    case beforeCommit = "before-commit"
    /// The agent has heard that its turn is settled, and what it changed then is stored.
    case afterComplete = "after-complete"

    /// A step within the answer.
    init(_ step: ToolStep) {
        switch step {
        case .beforeTool: self = .beforeTool
        case .afterTool: self = .afterTool
        case .stepBoundary: self = .stepBoundary
        }
    }

    /// Whether only a turn that calls tools reaches the step.
    package var isOfTools: Bool {
        switch self {
        case .beforeTool, .afterTool, .stepBoundary: true
        case .beforeBeginRun, .afterBeginRun, .midStream, .beforeSettle, .inSettle, .afterSettle, .beforeCommit,
            .afterComplete:
            false
        }
    }
}
