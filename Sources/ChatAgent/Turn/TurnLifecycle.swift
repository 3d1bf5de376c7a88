public import Conversation
import Synchronization

/// What a hook may ask for beside the answer: an end, an upgrade, work on the side, messages for later prompts. Safe to
/// use from any task.
public final class TurnLifecycle: Sendable {
    private struct State {
        var needsUpgrade = false
        var endsRun = false
        var deferred: [Task<Void, any Error>] = []
    }

    let background: BackgroundMessages
    private let state = Mutex(State())

    /// Makes a lifecycle of its own, for a session that nobody serves.
    public convenience init() {
        self.init(background: BackgroundMessages())
    }

    package init(background: BackgroundMessages) {
        self.background = background
    }

    /// Leaves the session to a newer version of the service.
    ///
    /// Before ``ChatAgent/run(_:)`` begins, the turn is not run at all: readers get an `upgrade-required` record, and
    /// the request stays uncommitted for the next owner of its partition. Asked for later, the turn is finished, and
    /// what comes after it is left.
    public func requestUpgrade() {
        state.withLock { $0.needsUpgrade = true }
    }

    /// Puts the session away after this turn: its next message boots it anew, here or elsewhere, with its history.
    public func endRun() {
        state.withLock { $0.endsRun = true }
    }

    /// Does `work` beside the turn. The turn's settlement waits for it, five seconds at most; what is deferred after
    /// that is not waited for. An error is logged and changes nothing.
    public func deferWork(_ work: @escaping @Sendable () async throws -> Void) {
        let task = Task { try await work() }
        state.withLock { $0.deferred.append(task) }
    }

    /// Adds messages to the prompt, from the next step or turn on; the transcript never shows them. They live as long
    /// as this worker holds the session.
    public func inject(_ messages: [Message]) {
        background.add(messages)
    }

    package var needsUpgrade: Bool { state.withLock { $0.needsUpgrade } }
    package var endsRun: Bool { state.withLock { $0.endsRun } }

    func takeDeferred() -> [Task<Void, any Error>] {
        state.withLock { state in
            defer { state.deferred = [] }
            return state.deferred
        }
    }
}

/// Messages for the prompts of a session that are no part of its transcript.
package final class BackgroundMessages: Sendable {
    private struct State {
        var waiting: [Message] = []
        /// Behind which message of the history they stand.
        var placed: [String: [Message]] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    func add(_ messages: [Message]) {
        state.withLock { $0.waiting += messages }
    }

    /// Gives what waits its place in the history, behind the message `id`.
    func place(behind id: String) {
        state.withLock { state in
            guard !state.waiting.isEmpty, !id.isEmpty else { return }
            state.placed[id, default: []] += state.waiting
            state.waiting = []
        }
    }

    var placed: [String: [Message]] { state.withLock { $0.placed } }
}
