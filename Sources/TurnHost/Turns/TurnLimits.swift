import ChatAgent
import DequeModule
import Logging
import SessionStore
import Synchronization
import Tracing

/// Sees to it that runs end: asks each to when its time is up, and waits for it no longer when that does not help, so
/// that what waits behind it goes on. The same holds for each hook around it; one that begins late has the time of a
/// grace all the same.
///
/// One task for all runs of a host, and none while nothing runs: a task of its own would cost every streaming turn some
/// kilobytes.
final class TurnLimits: Sendable {
    private struct Watched {
        var run: StoredRun
        var control: TurnControl
        /// What was waited for when the present wait began, once the run's time is up.
        var awaited: Int?
    }

    /// Those that wait equally long, so that who came first is due first.
    private struct Line {
        var due: Deque<(id: Int, at: Duration)> = []

        /// Forgets who is not watched any more, when that is most of them.
        mutating func tidy(_ watched: [Int: Watched]) {
            if due.count > 2 * watched.count + 64 { due.removeAll { watched[$0.id] == nil } }
        }
    }

    private struct State {
        var watched: [Int: Watched] = [:]
        var limits = Line()
        var graces = Line()
        var lastID = 0
        var timer: Task<Void, Never>?
    }

    private let limit: Duration?
    private let grace: Duration
    private let clock: any Clock<Duration>
    private let elapsed: @Sendable () -> Duration
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: how long a run may take; `nil` is for ever.
    ///   - grace: how long a run that was asked to end is waited for.
    init(limit: Duration?, grace: Duration, clock: any Clock<Duration>, logger: Logger) {
        self.limit = limit
        // None at all would leave the timer no pause.
        self.grace = max(grace, .milliseconds(1))
        self.clock = clock
        self.logger = logger
        elapsed = Self.stopwatch(clock)
    }

    deinit { state.withLock { $0.timer }?.cancel() }

    private static func stopwatch<C: Clock>(_ clock: C) -> @Sendable () -> Duration where C.Duration == Duration {
        let start = clock.now
        return { start.duration(to: clock.now) }
    }

    /// A run's limit, until it is ended.
    struct Watch: Sendable {
        fileprivate let limits: TurnLimits
        fileprivate let id: Int

        /// The run is over, with everything around it.
        func end() { limits.end(id) }
    }

    /// Limits the time of a run that begins.
    /// - Returns: `nil` if there is no limit.
    @inline(never)
    func watch(_ run: StoredRun, _ control: TurnControl) -> Watch? {
        guard let limit else { return nil }
        let now = elapsed()
        return state.withLock { state in
            state.lastID += 1
            state.watched[state.lastID] = Watched(run: run, control: control)
            state.limits.due.append((state.lastID, now + limit))
            // Whoever comes later is due later: a timer that runs need not be woken.
            if state.timer == nil {
                // It is of all runs, and tells of each in its own place.
                state.timer = ServiceContext.withValue(nil) { Task { [weak self] in await self?.keepTime() } }
            }
            return Watch(limits: self, id: state.lastID)
        }
    }

    private func end(_ id: Int) {
        state.withLock { state in
            state.watched[id] = nil
            state.limits.tidy(state.watched)
            state.graces.tidy(state.watched)
            guard state.watched.isEmpty else { return }
            state.timer?.cancel()
            state.timer = nil
        }
    }

    private func keepTime() async {
        while let wait = untilNext() {
            guard (try? await clock.sleep(for: wait)) != nil else { return }
            while let id = nextDue(\.limits) { askToEnd(id) }
            while let id = nextDue(\.graces) { leaveBehind(id) }
        }
    }

    /// How long until somebody is due; `nil` if this task is the timer no longer.
    private func untilNext() -> Duration? {
        let now = elapsed()
        return state.withLock { state in
            guard !Task.isCancelled else { return nil }
            let next = [state.limits.due.first?.at, state.graces.due.first?.at].compactMap(\.self).min()
            guard let next else {
                state.timer = nil
                return nil
            }
            return max(next - now, .zero)
        }
    }

    private func nextDue(_ line: WritableKeyPath<State, Line>) -> Int? {
        let now = elapsed()
        return state.withLock { state in
            while let first = state[keyPath: line].due.first, first.at <= now {
                state[keyPath: line].due.removeFirst()
                if state.watched[first.id] != nil { return first.id }
            }
            return nil
        }
    }

    private func askToEnd(_ id: Int) {
        guard let watched = state.withLock({ $0.watched[id] }), let limit else { return }
        if watched.control.end(.timedOut(after: limit)) {
            logger.warning("A turn has taken too long and is ended.", metadata: metadata(watched.run))
        }
        allowGrace(id, watched.control)
    }

    private func leaveBehind(_ id: Int) {
        guard let watched = state.withLock({ $0.watched[id] }) else { return }
        switch watched.awaited.flatMap(watched.control.leaveBehind) {
        case .run:
            logger.error(
                "A turn that was ended goes on all the same, and is left behind.", metadata: metadata(watched.run))
        case .hook(let hook):
            logger.error(
                "A hook does not come to its end, and is left behind.",
                metadata: metadata(watched.run).merging(["hook": "\(hook)"]) { $1 })
        case nil: break
        }
        allowGrace(id, watched.control)
    }

    /// What is waited for now has the time of a grace.
    private func allowGrace(_ id: Int, _ control: TurnControl) {
        let (awaited, now) = (control.awaited, elapsed())
        state.withLock { state in
            state.watched[id]?.awaited = awaited
            state.graces.due.append((id, now + grace))
        }
    }

    private func metadata(_ run: StoredRun) -> Logger.Metadata {
        [
            "gen_ai.conversation.id": "\(run.session)", "turn": "\(run.turn)", "run": "\(run.run)",
            "partition": "\(run.position.log.partition)", "offset": "\(run.position.offset)",
            "limit": "\(limit ?? .zero)",
        ]
    }
}
