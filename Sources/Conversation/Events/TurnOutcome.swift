/// How a turn ended.
public enum TurnOutcome: String, Sendable, Hashable, CaseIterable {
    case completed
    case stopped
    case failed
    case deadLettered = "dead-lettered"
}
