import Synchronization

/// A clock that stands still until a test moves it on. Safe to use from any task.
///
///     let clock = ManualClock()
///     let chat = MockChatAgent(agent, clock: clock)
///     async let turn = chat.send("hello")
///     await clock.advanceToNextSleeper()
public final class ManualClock: Clock, Sendable {
    private struct Sleeper {
        var id: UInt64
        var deadline: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var elapsed = Duration.zero
        var nextID: UInt64 = 0
        /// The earliest deadline first; of equal ones, whoever came first.
        var sleepers: [Sleeper] = []
        /// Those who wait for somebody to sleep.
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// Makes a clock at its beginning.
    public init() {}

    public var now: VirtualInstant { VirtualInstant(offset: state.withLock { $0.elapsed }) }
    public var minimumResolution: Duration { .zero }

    /// How many tasks sleep on the clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// Suspends until the time has been moved on to `deadline`.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    public func sleep(until deadline: VirtualInstant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                fallAsleep(Sleeper(id: id, deadline: deadline.offset, continuation: continuation))
            }
        } onCancel: {
            wake(id, throwing: CancellationError())
        }
    }

    /// Moves the time on by `duration`, and wakes whoever slept until then, the earliest deadline first.
    ///
    /// It does not wait for what they do next. One that then sleeps for a while does so from the new time: to have a
    /// task sleep several times, advance as often.
    public func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.elapsed += max(duration, .zero)
            return Self.takeDue(&state)
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Moves the time on to `instant`, if it is earlier, and wakes whoever slept until then.
    func advance(to instant: VirtualInstant) {
        let due = state.withLock { state in
            state.elapsed = max(state.elapsed, instant.offset)
            return Self.takeDue(&state)
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    /// Waits until a task sleeps on the clock, then moves the time on to exactly the earliest deadline and wakes whoever
    /// slept until then.
    public func advanceToNextSleeper() async {
        while true {
            await untilSomebodySleeps()
            let due = state.withLock { state in
                guard let next = state.sleepers.first else { return [Sleeper]() }
                state.elapsed = max(state.elapsed, next.deadline)
                return Self.takeDue(&state)
            }
            for sleeper in due { sleeper.continuation.resume() }
            if !due.isEmpty { return }
        }
    }

    /// Suspends while no task sleeps on the clock.
    public func untilSomebodySleeps() async {
        await withCheckedContinuation { continuation in
            let isAsleep = state.withLock { state in
                if state.sleepers.isEmpty { state.watchers.append(continuation) }
                return !state.sleepers.isEmpty
            }
            if isAsleep { continuation.resume() }
        }
    }

    private func fallAsleep(_ sleeper: Sleeper) {
        let (isDue, watchers) = state.withLock { state -> (Bool, [CheckedContinuation<Void, Never>]) in
            guard sleeper.deadline > state.elapsed else { return (true, []) }
            let place = state.sleepers.firstIndex { $0.deadline > sleeper.deadline } ?? state.sleepers.endIndex
            state.sleepers.insert(sleeper, at: place)
            defer { state.watchers = [] }
            return (false, state.watchers)
        }
        if isDue { sleeper.continuation.resume() }
        for watcher in watchers { watcher.resume() }
        // A cancellation that came before there was anybody to wake.
        if Task.isCancelled { wake(sleeper.id, throwing: CancellationError()) }
    }

    private func wake(_ id: UInt64, throwing error: any Error) {
        let sleeper = state.withLock { state -> Sleeper? in
            guard let place = state.sleepers.firstIndex(where: { $0.id == id }) else { return nil }
            return state.sleepers.remove(at: place)
        }
        sleeper?.continuation.resume(throwing: error)
    }

    private static func takeDue(_ state: inout State) -> [Sleeper] {
        let due = state.sleepers.prefix { $0.deadline <= state.elapsed }
        state.sleepers.removeFirst(due.count)
        return Array(due)
    }
}
