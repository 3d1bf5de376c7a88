import ChatAgent
import Conversation
import LanguageModels
import Synchronization

/// Which hooks of an agent were called, in order, and what it was asked.
final class HookJournal: Sendable {
    struct Call: Sendable {
        var hook: HookAgent.Hook
        var session: String
        var identity: TurnIdentity?
    }

    private struct State {
        var calls: [Call] = []
        var prompts: [ModelRequest] = []
        var completes: [TurnCompleteEvent] = []
    }

    private let state = Mutex(State())

    func add(_ hook: HookAgent.Hook, _ identity: TurnIdentity) {
        state.withLock { $0.calls.append(Call(hook: hook, session: identity.session, identity: identity)) }
    }

    func addEviction(_ session: String) {
        state.withLock { $0.calls.append(Call(hook: .evict, session: session)) }
    }

    func add(_ request: ModelRequest) {
        state.withLock { $0.prompts.append(request) }
    }

    func add(_ event: TurnCompleteEvent) {
        state.withLock { $0.completes.append(event) }
    }

    var calls: [Call] { state.withLock { $0.calls } }
    var prompts: [ModelRequest] { state.withLock { $0.prompts } }
    var completes: [TurnCompleteEvent] { state.withLock { $0.completes } }

    /// The hooks in order, those of one turn or all.
    func hooks(turn: Int? = nil) -> [HookAgent.Hook] {
        calls.filter { turn == nil || $0.identity?.turn == turn }.map(\.hook)
    }

    func count(_ hook: HookAgent.Hook) -> Int { calls.count { $0.hook == hook } }

    /// The ids of the messages of each prompt.
    var promptIDs: [[String]] { prompts.map { $0.messages.map(\.id) } }
}
