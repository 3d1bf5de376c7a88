import ChatAgent
import Conversation
import DequeModule
import Kafka
import SessionStore
import Synchronization

typealias TurnEnding = TurnControl.Ending

/// One session on this host: its requests in order, and the turn that runs.
///
/// A runner takes the requests one by one; a stop overtakes those in front of it and ends the turn that runs.
final class HostedSession: Sendable {
    /// A stop's place in its log, and what it says.
    struct Stop: Sendable {
        var position: LogPosition
        var reason: String?
        /// Where it stood at first, if a worker has handed it over.
        var forward: Forward?

        func stands(at place: LogPosition) -> Bool { place == position || forward?.names(place) == true }
    }

    private struct Current {
        var dispatch: Dispatch
        var log: LogIdentity
        var control = TurnControl()
        /// Stops that came before the session's state was there to say whether they are old.
        var early: [Stop]? = []
        var appliedAhead: [LogPosition] = []
        /// The stop that ended the turn.
        var effective: Stop?
        /// Its turn is settled: what is left is to say so.
        var isOver = false

        var isTurn: Bool { dispatch.request.isTurn && !isOver }
    }

    private struct State {
        var queue: Deque<Dispatch> = []
        var isRunning = false
        var current: Current?
        /// Stops that wait for the turn in front of them to be taken up.
        var stops: [Stop] = []
        var memory: SessionMemory?
        /// The assignment under which nothing more is taken up: its requests are for a newer version of the service.
        var held: Int64?
    }

    let id: String
    private let state = Mutex(State())

    init(id: String) {
        self.id = id
    }

    /// Takes a request.
    /// - Returns: whether a runner has to be started.
    func deliver(_ dispatch: Dispatch) -> Bool {
        state.withLock { state in
            guard state.held != dispatch.assignment else { return false }
            state.held = nil
            var dispatch = dispatch
            dispatch.cameWhileBusy =
                state.current?.isTurn == true || state.queue.contains { $0.request.isTurn }
            state.queue.append(dispatch)
            defer { state.isRunning = true }
            return !state.isRunning
        }
    }

    /// Takes nothing more up under `assignment`: what waits stays unsettled, for its next owner.
    func hold(_ assignment: Int64) {
        state.withLock { state in
            state.held = assignment
            state.queue.removeAll { $0.assignment == assignment }
        }
    }

    /// A newer message is to be answered instead of the one whose turn runs.
    func interrupt(by newer: Dispatch) {
        let control = state.withLock { state -> TurnControl? in
            guard let current = state.current, current.isTurn, current.dispatch.assignment == newer.assignment,
                current.dispatch.record.offset < newer.record.offset,
                !state.queue.contains(where: { $0.request.isClose && $0.record.offset < newer.record.offset })
            else { return nil }
            return current.control
        }
        control?.end(.interrupted)
    }

    /// The running turn is settled: messages that come from now on find the session free.
    func turnIsOver() {
        state.withLock { $0.current?.isOver = true }
    }

    /// The keys of the request that is carried out.
    var currentKeys: [String] { state.withLock { $0.current?.dispatch.keys ?? [] } }

    /// Whether a request with this key, in front of `offset`, is being carried out or waits to be.
    func holds(_ key: String, before offset: Int64) -> Bool {
        state.withLock { state in
            func isFirst(_ dispatch: Dispatch) -> Bool {
                dispatch.record.offset < offset && dispatch.keys.contains(key)
            }
            return state.current.map { isFirst($0.dispatch) } == true || state.queue.contains(where: isFirst)
        }
    }

    /// A stop has arrived: it ends the turn that runs, or the first one that is still in front of it.
    func overtake(_ stop: Stop) {
        state.withLock { state in
            if let current = state.current, !current.isOver {
                Self.apply(stop, to: &state.current)
            } else if state.queue.contains(where: { $0.request.isTurn && $0.record.offset < stop.position.offset }) {
                state.stops.append(stop)
            }
        }
    }

    /// The next request. `nil` ends the runner.
    ///
    /// A stop counts for the first turn in front of it that really runs: where one turns out to be settled already, its
    /// stops pass on to the next.
    func next(log: (Int64) -> LogIdentity?) -> Dispatch? {
        state.withLock { state in
            if let unused = state.current?.early { state.stops = unused + state.stops }
            state.current = nil
            guard let dispatch = state.queue.popFirst() else {
                state.isRunning = false
                state.stops = []
                return nil
            }
            if let log = log(dispatch.assignment) {
                let position = LogPosition(log: log, offset: dispatch.record.offset)
                state.stops.removeAll { $0.position.log == log && $0.position.offset <= position.offset }
                if dispatch.request.isTurn {
                    state.current = Current(dispatch: dispatch, log: log, early: state.stops)
                    state.stops = []
                } else if dispatch.request.runsAgent {
                    state.current = Current(dispatch: dispatch, log: log, early: nil)
                }
            }
            return dispatch
        }
    }

    /// A control for another attempt at the running turn. What ended the one before does not end this one, except for
    /// the user's stop.
    func renewControl() -> TurnControl {
        state.withLock { state in
            let control = TurnControl()
            if let stop = state.current?.effective { control.end(.stopped(reason: stop.reason)) }
            state.current?.control = control
            return control
        }
    }

    /// The session's state is known: stops that are new take effect.
    @inline(never)
    func loaded(appliedAhead: [LogPosition]) {
        state.withLock { state in
            guard let early = state.current?.early else { return }
            state.current?.early = nil
            state.current?.appliedAhead = appliedAhead
            for stop in early { Self.apply(stop, to: &state.current) }
        }
    }

    /// The stop that ended the running turn.
    var effectiveStop: LogPosition? { state.withLock { $0.current?.effective?.position } }

    /// User's messages that wait behind the running request under the same assignment, with nothing else before them.
    func waitingMessages() -> [Dispatch] {
        state.withLock { state in
            guard let assignment = state.current?.dispatch.assignment else { return [] }
            return Array(state.queue.prefix { $0.assignment == assignment && $0.userMessage != nil })
        }
    }

    /// All user's messages that wait behind the running request under the same assignment and are not closed out.
    func newerMessages() -> [Dispatch] {
        state.withLock { state in
            guard let assignment = state.current?.dispatch.assignment else { return [] }
            return state.queue.prefix { !$0.request.isClose }
                .filter { $0.assignment == assignment && $0.userMessage != nil }
        }
    }

    /// What waits behind the running request under the same assignment, in order.
    func waiting(under assignment: Int64) -> [Dispatch] {
        state.withLock { state in state.queue.filter { $0.assignment == assignment } }
    }

    /// Whether a request runs or waits under `assignment`.
    func hasRequests(under assignment: Int64) -> Bool {
        state.withLock { state in
            state.current?.dispatch.assignment == assignment
                || state.queue.contains { $0.assignment == assignment }
        }
    }

    /// Ends the running turn if it is one of `assignment`.
    func end(_ ending: TurnEnding, assignment: Int64) {
        let control = state.withLock { state in
            state.current?.dispatch.assignment == assignment ? state.current?.control : nil
        }
        control?.end(ending)
    }

    /// Takes the session's state out, for its runner.
    func takeMemory() -> SessionMemory? {
        state.withLock { state in
            defer { state.memory = nil }
            return state.memory
        }
    }

    /// Keeps the session's state for the next request.
    func keep(_ memory: SessionMemory) {
        state.withLock { $0.memory = memory }
    }

    /// About how many bytes the kept history takes.
    var historyBytes: Int { state.withLock { $0.memory?.historyBytes ?? 0 } }

    /// Lets the state go if nothing is happening.
    /// - Returns: whether the session can be forgotten, and the state that was let go.
    func evict() -> (isEvicted: Bool, memory: SessionMemory?) {
        state.withLock { state in
            guard !state.isRunning, state.queue.isEmpty else { return (false, nil) }
            defer { state.memory = nil }
            return (state.held == nil, state.memory)
        }
    }

    private static func apply(_ stop: Stop, to current: inout Current?) {
        guard var turn = current, turn.dispatch.request.isTurn, stop.position.log == turn.log,
            stop.position.offset > turn.dispatch.record.offset
        else { return }
        defer { current = turn }
        if turn.early != nil {
            turn.early?.append(stop)
        } else if !turn.appliedAhead.contains(where: stop.stands), turn.effective == nil,
            turn.control.end(.stopped(reason: stop.reason))
        {
            turn.effective = stop
        }
    }
}
