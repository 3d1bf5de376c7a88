/// What of an agent was called.
public enum Hook: String, Sendable, Hashable, CaseIterable {
    case onRecoveryBoot
    case onLoad
    case onBoot
    case tools
    case onValidateMessages
    case hydrateMessages
    case onPreload
    case onAction
    case onChatStart
    case onTurnStart
    case run
    case prepareMessages
    case shouldInject
    case onCompacted
    case onBeforeTurnComplete
    case onTurnComplete
    case onEvict
}

/// One call of an agent's code, noted as it began.
public struct HookCall: Sendable, Hashable, CustomStringConvertible {
    /// What was called.
    public let hook: Hook
    /// The turn's number, from 0; for what is no turn, the number of the next one. `nil` when a session is put away.
    public let turn: Int?
    /// The turn's run, from 1. `nil` when a session is put away.
    public let run: Int?
    /// The worker that called, from 1.
    public let worker: Int

    public var description: String {
        guard let turn, let run else { return "\(hook.rawValue), worker \(worker)" }
        return "\(hook.rawValue) of turn \(turn), run \(run), worker \(worker)"
    }
}
