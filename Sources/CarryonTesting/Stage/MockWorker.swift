import ChatAgent
import SessionStore
import Synchronization
import TurnHost

/// A worker is dead: nothing that it does has an effect any more.
struct WorkerIsDead: Error {}

/// One worker: a turn host, and how it lives, waits and dies.
///
/// Once it is dead, whatever is left of it in this process reaches neither the store nor the events nor the agent.
final class MockWorker: Sendable {
    private struct WeakHost: Sendable {
        weak var host: TurnHost?
    }

    /// Its place among the workers, from 0.
    let number: Int
    let stage: Stage
    private let host = Mutex(WeakHost())

    init(number: Int, stage: Stage) {
        self.number = number
        self.stage = stage
    }

    static func hostID(_ number: Int) -> String { "worker-\(number + 1)" }

    var hostID: String { Self.hostID(number) }
    var isDead: Bool { stage.read { $0.workers[number].isDead } }

    func connect(_ host: TurnHost) {
        self.host.withLock { $0 = WeakHost(host: host) }
    }

    func check() throws(StoreError) {
        if isDead { throw StoreError(code: .closed, operation: "asking for anything", reason: "the worker is dead") }
    }

    /// The worker comes to a step that it can wait at.
    func pass(_ point: KillPoint) async {
        await untilItGoesOn()
        receive(at: point)
        switch stage.change({ $0.reach(point, worker: number) }) {
        case .goOn: return
        case .wait: await untilItGoesOn()
        case .die(let death): die(death, at: point)
        }
    }

    /// The turn comes to a step.
    func come(to step: TurnStep) {
        switch step {
        case .midStream, .afterTool, .stepBoundary, .beforeCommit: reached(KillPoint(step))
        case .beforeTool:
            asks(false)
            reached(.beforeTool)
        case .afterComplete: endTurn()
        // These the worker comes to on its way to the store.
        case .beforeBeginRun, .afterBeginRun, .beforeSettle, .inSettle, .afterSettle: break
        }
    }

    /// The worker comes to a step. If it is to wait, it is held back at the next thing that it wants to write.
    func reached(_ point: KillPoint) {
        receive(at: point)
        if case .die(let death) = stage.change({ $0.reach(point, worker: number) }) { die(death, at: point) }
    }

    /// The agent has seen its turn's end.
    private func endTurn() {
        receive(at: .afterComplete)
        let reached = stage.change { state in
            let offset = state.workers[number].owed
            let reached = state.reach(.afterComplete, worker: number)
            switch reached {
            case .goOn: state.workers[number].owed = nil
            case .wait:
                state.workers[number].owed = nil
                state.workers[number].pause?.offset = offset
            case .die: break
            }
            return reached
        }
        if case .die(let death) = reached { die(death, at: .afterComplete) }
        leaveIfAsked()
    }

    /// What is to arrive at a step does.
    private func receive(at point: KillPoint) {
        for arrival in stage.change({ $0.takeArrivals(at: point, worker: number) }) { arrival.arrive() }
    }

    /// The agent may have asked for a newer version of the service: what is not settled is left to it.
    func leaveIfAsked() {
        stage.change { state in
            guard state.workers[number].leaves, state.workers[number].isAlive else { return }
            state.workers[number].phase = .yielded
            if state.current == number { state.current = nil }
        }
    }

    var stands: Bool { stage.read { $0.workers[number].pause != nil } }

    /// Suspends while the worker is to stand still.
    func untilItGoesOn() async {
        await withCheckedContinuation { continuation in
            let stands = stage.change { state in
                state.workers[number].pause?.sleepers.append(continuation)
                return state.workers[number].pause != nil
            }
            if !stands { continuation.resume() }
        }
    }

    /// Writes something, or keeps it while the worker is to stand still.
    func write(_ body: @escaping @Sendable () -> Void) {
        let stands = stage.change { state in
            state.workers[number].pause?.held.append(body)
            return state.workers[number].pause != nil
        }
        if !stands { body() }
    }

    /// Whether the worker is to stand still once its next closing event is written; if so, `body` is kept until then.
    func waitsBeforeCommit(keeping body: @escaping @Sendable () -> Void) -> Bool {
        stage.change { state in
            guard state.current == number, state.pause?.meets(.beforeCommit) == true else { return false }
            state.pause = nil
            state.stop(number, at: .beforeCommit)
            state.workers[number].pause?.held.append(body)
            return true
        }
    }

    /// Has the worker go on: first it writes what was kept, in order; another order to stand still may come in between.
    func goOn() {
        stage.change { $0.workers[number].pause?.isReleasing = true }
        while true {
            let (next, sleepers) = stage.change {
                state -> ((@Sendable () -> Void)?, [CheckedContinuation<Void, Never>]) in
                guard var pause = state.workers[number].pause, pause.isReleasing else { return (nil, []) }
                guard !pause.held.isEmpty else {
                    state.workers[number].pause = nil
                    return (nil, pause.sleepers)
                }
                let next = pause.held.removeFirst()
                state.workers[number].pause = pause
                return (next, [])
            }
            for sleeper in sleepers { sleeper.resume() }
            guard let next else { return }
            next()
        }
    }

    /// Kills the worker, and has what is left of it in this process end.
    func die(_ death: WorkerDeath, at point: KillPoint? = nil) {
        let pause = stage.change { state -> StageState.Pause? in
            guard !state.workers[number].isDead else { return nil }
            state.workers[number].phase = .dead(death, at: point)
            if point == .afterComplete { state.workers[number].owed = nil }
            if state.current == number { state.current = nil }
            defer { state.workers[number].pause = nil }
            return state.workers[number].pause
        }
        for body in pause?.held ?? [] { body() }
        for sleeper in pause?.sleepers ?? [] { sleeper.resume() }
        // Not from here: whoever came to the step may hold a lock that the end of its turn needs.
        Task { [host = host.withLock { $0.host }] in host?.close() }
    }

    /// What the worker reports.
    func report(_ report: HostReport) {
        stage.change { state in
            guard !state.workers[number].isDead else { return }
            switch report {
            case .settled(let entries): for offset in entries { state.settled(offset, by: number) }
            case .yielded:
                if state.workers[number].isAlive { state.workers[number].phase = .yielded }
                if state.current == number { state.current = nil }
            case .fenced: state.workers[number].phase = .fenced
            case .ready, .began, .vitals, .counted: break
            }
        }
    }
}
