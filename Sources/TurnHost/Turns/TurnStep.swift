/// The named steps of a turn at which a process can be made to die, so that what follows can be tested.
package enum TurnStep: String, Sendable, CaseIterable, Codable {
    case beforeBeginRun = "before-begin-run"
    case afterBeginRun = "after-begin-run"
    case midStream = "mid-stream"
    case beforeSettle = "before-settle"
    case inSettle = "in-settle"
    case afterSettle = "after-settle"
    case beforeCommit = "before-commit"
}
