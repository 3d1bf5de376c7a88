/// Where a run stands.
package enum RunStatus: String, Hashable, Sendable, CaseIterable {
    case running
    /// Dead or handed over. Its turn goes on in a later run, or was settled by one.
    case interrupted
    case completed
    case stopped
    case failed
    case deadLettered = "dead-lettered"

    /// Whether a settlement may give a run this status.
    package var isFinal: Bool {
        switch self {
        case .running, .interrupted: false
        case .completed, .stopped, .failed, .deadLettered: true
        }
    }
}
