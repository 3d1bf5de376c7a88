public import Conversation

/// An assistant, as its author writes it: what happens in a turn, and what is to happen around it.
///
/// One value serves every session of a worker at once, so it holds no conversation: what belongs to a session is in the
/// events and ``Locals``. All hooks of one session run one after the other; those of different sessions run at the
/// same time. The order in a turn:
///
/// `onLoad`, `onRecoveryBoot`, `onBoot` (where due), `tools`, `onValidateMessages`, `hydrateMessages`, `onChatStart`,
/// `onTurnStart`, `prepareMessages`, ``run(_:)``, `onBeforeTurnComplete`, the settlement, `onTurnComplete`.
///
/// An error thrown by a hook ends the turn as failed, not the conversation: the user's message and what was said so far
/// are kept. Hooks for which something else holds say so.
///
/// A worker may die at any instruction. A request whose turn was not settled is delivered again, so a hook may run
/// again for the same turn (``TurnIdentity/run`` is then greater than 1); ``onTurnComplete(_:)`` never does.
public protocol ChatAgent: Sendable {
    /// The agent's name in spans and logs.
    var name: String { get }

    /// What becomes of a user's message that comes while a turn of its session runs.
    var onBusy: BusyPolicy { get }

    /// When a history is summarised; `nil` for never.
    var compaction: CompactionPolicy? { get }

    /// Whether the agent keeps the histories itself and gives them with ``hydrateMessages(_:)``. Then no messages are
    /// stored, and a turn that died is run again from its beginning, without ``onRecoveryBoot(_:)``.
    var ownsHistory: Bool { get }

    /// What a request's client data has to be, if anything. A turn whose data violates it fails.
    var dataSchema: JSONSchema? { get }

    /// What an action has to be, if anything. One that violates it is settled with an error.
    var actionSchema: JSONSchema? { get }

    /// After how many turns on one worker a session is put away, to be booted anew by its next message; `nil` for
    /// never.
    var maximumTurns: Int? { get }

    /// The tools of a turn. Asked once per run of a turn, after
    /// ``onBoot(_:)``; and, to recover a dead run that had called tools, before that. By default there are none, and a call
    /// that a model makes nevertheless is left open, to be answered from outside.
    func tools(for turn: TurnIdentity) async throws -> ToolSet

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

    /// Called when a `preload` request warms a session of which nothing is stored, after ``onBoot(_:)``.
    /// - Throws: an error is logged; the session's first message comes as if it had not been warmed.
    func onPreload(_ event: PreloadEvent) async throws

    /// Called for each message that a turn is to take up, before it joins the history.
    /// - Returns: the message to take up in its place. Its id and role stay those of the original.
    func onValidateMessages(_ event: ValidationEvent) async throws -> Message

    /// Called for each turn, and each action, of an agent that ``ownsHistory``.
    /// - Returns: the history to go on with. Answers to calls of tools are merged into it afterwards; a user's message
    ///   that it does not hold is put at its end.
    func hydrateMessages(_ event: HydrationEvent) async throws -> [Message]

    /// Called once per conversation, at the start of its first turn. If that turn's first run dies, it is called again.
    func onChatStart(_ event: ChatStartEvent) async throws

    /// Called at the start of every run of a turn, after the request's message joined the history.
    func onTurnStart(_ event: TurnStartEvent) async throws

    /// Called when the model is about to be given a prompt.
    /// - Returns: what it is given instead. Nothing of that is kept.
    func prepareMessages(_ event: PromptEvent) async throws -> [Message]

    /// Produces the answer, through ``Turn/respond(with:system:maximumSteps:)`` or chunk by chunk with
    /// ``Turn/write(_:)``.
    /// - Throws: any error ends the turn as failed: what was written so far is kept. When the turn is stopped or handed
    ///   over, the task is cancelled and every write throws `CancellationError`, which is to be passed on.
    func run(_ turn: Turn) async throws

    /// With ``BusyPolicy/steer``: called at a boundary between two steps when messages wait.
    /// - Returns: whether they join the turn. Otherwise they are asked about again at the next boundary, and become
    ///   turns of their own in the end.
    /// - Throws: an error is logged and counts as `false`.
    func shouldInject(_ event: SteeringEvent) async throws -> Bool

    /// Called after the history was summarised.
    /// - Throws: an error is logged.
    func onCompacted(_ event: CompactionEvent) async throws

    /// Called when the answer has come to its end, was stopped, or failed in ``run(_:)``, before it is settled.
    /// A hook that does not end when the turn's time is up is left behind, as if it had changed nothing.
    func onBeforeTurnComplete(_ event: TurnEndEvent) async throws

    /// Called once per turn, after its settlement and its closing event, also if it failed. A death in between means
    /// that it is not called. One that does not end when the turn's time is up is left behind, and what it changed is
    /// dropped.
    /// - Throws: an error is logged; the turn stays as it was settled.
    func onTurnComplete(_ event: TurnCompleteEvent) async throws

    /// Called for each `action` request. No turn begins.
    /// - Throws: an error settles the action as failed; what it wrote to the history is dropped.
    func onAction(_ event: ActionEvent) async throws

    /// Called when a session's stored state was read into this worker's memory, before the hooks of what it was read
    /// for.
    /// - Throws: an error is logged.
    func onLoad(_ event: LoadEvent) async throws

    /// Called when a session leaves this worker's memory in good order. Its locals go with it; a worker that dies
    /// calls nothing.
    func onEvict(_ event: EvictionEvent) async
}

extension ChatAgent {
    public var onBusy: BusyPolicy { .queue }
    public var compaction: CompactionPolicy? { nil }
    public var ownsHistory: Bool { false }
    public var dataSchema: JSONSchema? { nil }
    public var actionSchema: JSONSchema? { nil }
    public var maximumTurns: Int? { nil }
    public func tools(for turn: TurnIdentity) async throws -> ToolSet { ToolSet([], undeclared: .isExternal) }
    public func onBoot(_ event: BootEvent) async throws {}
    public func onRecoveryBoot(_ event: RecoveryBootEvent) async throws -> RecoveryBootResult? { nil }
    public func onPreload(_ event: PreloadEvent) async throws {}
    public func onValidateMessages(_ event: ValidationEvent) async throws -> Message { event.message }
    public func hydrateMessages(_ event: HydrationEvent) async throws -> [Message] { event.previousMessages }
    public func onChatStart(_ event: ChatStartEvent) async throws {}
    public func onTurnStart(_ event: TurnStartEvent) async throws {}
    public func prepareMessages(_ event: PromptEvent) async throws -> [Message] { event.messages }
    public func shouldInject(_ event: SteeringEvent) async throws -> Bool { true }
    public func onCompacted(_ event: CompactionEvent) async throws {}
    public func onBeforeTurnComplete(_ event: TurnEndEvent) async throws {}
    public func onTurnComplete(_ event: TurnCompleteEvent) async throws {}
    public func onAction(_ event: ActionEvent) async throws { throw MissingActionHandler() }
    public func onLoad(_ event: LoadEvent) async throws {}
    public func onEvict(_ event: EvictionEvent) async {}
}

/// Thrown by an agent that does nothing about actions.
package struct MissingActionHandler: Error {
    package init() {}
}
