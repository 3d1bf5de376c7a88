import ChatAgent
import Conversation
import LanguageModels
import TurnHost

/// Where everything stands: the requests and who has them, the workers, what is to happen to them, and what was seen.
struct StageState: Sendable {
    /// A request in the log.
    struct Entry: Sendable {
        var dispatch: Dispatch
        var isSettled = false
        /// The last worker that had it.
        var worker: Int?
    }

    /// A step that something is to happen at.
    struct Trigger: Sendable {
        var point: KillPoint
        /// How often the step is still passed by, that time included.
        var remaining: Int

        /// Counts a step.
        /// - Returns: whether it is the one.
        mutating func meets(_ point: KillPoint) -> Bool {
            guard point == self.point else { return false }
            remaining -= 1
            return remaining <= 0
        }
    }

    /// Something that arrives at a step.
    struct Arrival: Sendable {
        var trigger: Trigger
        var arrive: @Sendable () -> Void
    }

    /// A worker stands still, and what it wanted to write is kept until it goes on.
    struct Pause: Sendable {
        var point: KillPoint
        /// The request that it was at.
        var offset: Int64?
        /// It goes on; what was kept is on its way.
        var isReleasing = false
        var held: [@Sendable () -> Void] = []
        var sleepers: [CheckedContinuation<Void, Never>] = []
    }

    enum Phase: Sendable {
        case alive
        /// It found out that the partition is somebody else's.
        case fenced
        /// It gave the partition up in good order.
        case yielded
        case dead(WorkerDeath, at: KillPoint?)
    }

    struct Worker: Sendable {
        var assignment: Int64
        var phase = Phase.alive
        var pause: Pause?
        /// Offsets of requests that it was given and has not reported.
        var inHand: Set<Int64> = []
        /// The request of the turn that it settled and whose `onTurnComplete` is not over.
        var owed: Int64?
        /// The run that it put on record and did not settle.
        var begun: (turn: Int, run: Int)?
        /// Whether the agent wants a newer version of the service to take over.
        var leaves = false
        /// Whether a model is being asked, so that whoever sleeps waits for nothing else.
        var isAsking = false

        var isAlive: Bool { if case .alive = phase { true } else { false } }
        var isDead: Bool { if case .dead = phase { true } else { false } }

        /// Whether it stands still by itself or by order.
        var isAtRest: Bool {
            guard isAlive else { return true }
            return pause.map { !$0.isReleasing } ?? (inHand.isEmpty && owed == nil)
        }
    }

    struct Prompt: Sendable {
        /// `nil` for what is no turn.
        var turn: Int?
        var requestID: String
        var request: ModelRequest
    }

    var entries: [Int64: Entry] = [:]
    var endOffset: Int64 = 0
    var committedOffset: Int64 = 0
    var workers: [Worker] = []
    /// The worker that owns the partition, if one does.
    var current: Int?
    var kill: (trigger: Trigger, death: WorkerDeath)?
    var pause: Trigger?
    var arrivals: [Arrival] = []
    var hookCalls: [HookCall] = []
    var prompts: [Prompt] = []

    /// Counts a step for what is to arrive there.
    /// - Returns: what arrives now.
    mutating func takeArrivals(at point: KillPoint, worker: Int) -> [Arrival] {
        guard worker == current, workers[worker].isAlive else { return [] }
        var due: [Arrival] = []
        for index in arrivals.indices where arrivals[index].trigger.meets(point) { due.append(arrivals[index]) }
        arrivals.removeAll { $0.trigger.remaining <= 0 }
        return due
    }

    /// What comes of a step.
    enum Reached: Sendable { case goOn, wait, die(WorkerDeath) }

    mutating func reach(_ point: KillPoint, worker: Int) -> Reached {
        guard worker == current, workers[worker].isAlive else { return .goOn }
        if kill?.trigger.meets(point) == true, let death = kill?.death {
            kill = nil
            return .die(death)
        }
        if pause?.meets(point) == true {
            pause = nil
            stop(worker, at: point)
            return .wait
        }
        return .goOn
    }

    /// Has the worker stand still, also if it was about to go on.
    mutating func stop(_ worker: Int, at point: KillPoint) {
        var pause = workers[worker].pause ?? Pause(point: point)
        pause.point = point
        pause.offset = workers[worker].owed ?? workers[worker].inHand.min()
        pause.isReleasing = false
        workers[worker].pause = pause
    }

    mutating func settled(_ offset: Int64, by worker: Int) {
        workers[worker].inHand.remove(offset)
        // What a worker says that lost the partition comes to nobody's ears.
        guard worker == current else { return }
        entries[offset]?.isSettled = true
        while entries[committedOffset]?.isSettled == true { committedOffset += 1 }
    }

    /// Whether nothing will happen to the request before somebody does something.
    func isResting(_ offset: Int64) -> Bool {
        guard let current else { return true }
        let worker = workers[current]
        if let pause = worker.pause { return !pause.isReleasing }
        return entries[offset]?.isSettled == true && worker.owed != offset
    }

    /// Offsets of the requests that are not settled, ascending.
    var unsettled: [Int64] { (committedOffset..<endOffset).filter { entries[$0]?.isSettled == false } }

    /// Offsets of the requests that something is still to come of, ascending.
    var unfinished: [Int64] {
        let owed = current.flatMap { workers[$0].owed }.map { [$0] } ?? []
        return owed + unsettled.filter { !owed.contains($0) }
    }

    /// The first request that is not settled and is carried through by a turn: the one that runs, if one does.
    var runningTurn: Int64? { unsettled.first { entries[$0]?.dispatch.request.isAnswered == true } }
}

extension Request {
    /// Whether the request is carried through by a turn.
    fileprivate var isAnswered: Bool {
        switch kind {
        case .message, .regenerate: true
        case .action, .preload, .stop, .close: false
        }
    }
}
