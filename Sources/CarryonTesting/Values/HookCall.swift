/// What of an agent was called.
public enum Hook: String, Sendable, Hashable, CaseIterable {
    case onRecoveryBoot
    case onBoot
    case onTurnStart
    case run
    case onTurnComplete
}

/// One call of an agent's code, noted as it began.
public struct HookCall: Sendable, Hashable, CustomStringConvertible {
    /// What was called.
    public let hook: Hook
    /// The turn's number, from 0.
    public let turn: Int
    /// The turn's run, from 1.
    public let run: Int
    /// The worker that called, from 1.
    public let worker: Int

    public var description: String { "\(hook.rawValue) of turn \(turn), run \(run), worker \(worker)" }
}
