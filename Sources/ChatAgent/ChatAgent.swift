/// An assistant, as its author writes it: what happens in a turn, and what is to happen around it.
///
/// One value serves every session of a worker at once, so it holds no conversation: what belongs to a session is in the
/// events' messages and ``Locals``. All hooks of one session run one after the other, in the order `onRecoveryBoot`,
/// `onBoot`, `onTurnStart`, ``run(_:)``, `onTurnComplete`; those of different sessions run at the same time.
///
/// A worker may die at any instruction. A request whose turn was not settled is delivered again, so a hook may run
/// again for the same turn (``TurnStartEvent/run`` is then greater than 1); ``onTurnComplete(_:)`` never does.
public protocol ChatAgent: Sendable {
    /// The agent's name in spans and logs.
    var name: String { get }

    /// Called once per session on a worker, before its first turn there, and again after the session was evicted.
    /// - Throws: any error fails that turn; the next turn boots again.
    func onBoot(_ event: BootEvent) async throws

    /// Called when a turn's earlier run died and left a partial answer, before ``onBoot(_:)``.
    ///
    /// Not called for a handover (a deploy, a rebalance: the answer simply goes on), for a turn that the user stopped,
    /// for an answer that was complete, nor when there is no partial.
    /// - Returns: what is to be done instead of the default, or `nil` to accept every default.
    /// - Throws: an error is logged, and the defaults apply.
    func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult?

    /// Called at the start of every run of a turn, after the request's message joined the history.
    /// - Throws: any error ends the turn as failed; the user's message is kept.
    func onTurnStart(_ event: TurnStartEvent) async throws

    /// Produces the answer, through ``Turn/respond(with:system:)`` or chunk by chunk with ``Turn/write(_:)``.
    /// - Throws: any error ends the turn as failed: what was written so far is kept. When the turn is stopped or handed
    ///   over, the task is cancelled and every write throws `CancellationError`, which is to be passed on.
    func run(_ turn: Turn) async throws

    /// Called once per turn, after its settlement and its closing event. A death in between means that it is not
    /// called.
    /// - Throws: an error is logged; the turn stays as it was settled.
    func onTurnComplete(_ event: TurnCompleteEvent) async throws
}

extension ChatAgent {
    public func onBoot(_ event: BootEvent) async throws {}
    public func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? { nil }
    public func onTurnStart(_ event: TurnStartEvent) async throws {}
    public func onTurnComplete(_ event: TurnCompleteEvent) async throws {}
}
