import Synchronization

/// Ends a turn from outside while it runs. The first reason wins, except that the user's stop beats an interruption, and
/// a lost partition beats them all.
package final class TurnControl: Sendable {
    /// Why a turn was ended from outside.
    package enum Ending: Sendable, Hashable {
        /// The user stopped it: what there is of the answer is settled.
        case stopped(reason: String?)
        /// A newer message is to be answered instead: what there is of the answer is settled.
        case interrupted
        /// It has taken longer than any turn may: what there is of the answer is settled.
        case timedOut(after: Duration)
        /// Another worker goes on with it: what there is of the answer is left in the events.
        case handedOver
        /// The partition belongs to somebody else: nothing more may be written.
        case lost
    }

    private struct State {
        var ending: Ending?
        var cancel: (@Sendable () -> Void)?
        var onLost: (@Sendable () -> Void)?
        var abandon: (@Sendable () -> Void)?
        var isAbandoned = false
        var isDecided = false

        func yields(to new: Ending) -> Bool {
            switch (ending, new) {
            case (_, .lost): true
            case (nil, _), (.interrupted, .stopped), (.interrupted, .timedOut): !isDecided
            default: false
            }
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// Why the turn was ended, if it was.
    package var ending: Ending? { state.withLock { $0.ending } }

    /// Asks the turn to end.
    /// - Returns: whether this is what it ends by; `false` if it was ended before or its outcome is decided already.
    @discardableResult
    package func end(_ ending: Ending) -> Bool {
        let (won, cancel, onLost) = state.withLock {
            state -> (Bool, (@Sendable () -> Void)?, (@Sendable () -> Void)?) in
            guard state.yields(to: ending) else { return (false, nil, nil) }
            state.ending = ending
            return (true, state.cancel, ending == .lost ? state.onLost : nil)
        }
        onLost?()
        cancel?()
        return won
    }

    /// Calls `body` as soon as the partition is lost, at once if it is lost already.
    package func whenLost(_ body: @escaping @Sendable () -> Void) {
        let isLost = state.withLock { state in
            state.onLost = body
            return state.ending == .lost
        }
        if isLost { body() }
    }

    /// The turn's own end was reached: from here on only a loss of the partition can take it back.
    /// - Returns: why the turn was ended from outside, if that came first.
    package func decide() -> Ending? {
        state.withLock { state in
            state.isDecided = true
            return state.ending
        }
    }

    /// What runs is waited for no longer, if something still does: it was asked to end and does not. It goes on for itself,
    /// and whatever it writes from now on goes nowhere.
    /// - Returns: whether something was given up.
    @discardableResult
    package func abandon() -> Bool {
        let abandon = state.withLock { state in
            state.isAbandoned = true
            return state.abandon
        }
        abandon?()
        return abandon != nil
    }

    /// Runs `body` so that ``end(_:)`` cancels it.
    /// - Parameter abandoned: what comes of it if it does not end when it should.
    package func run<Result: Sendable>(
        _ body: @escaping @Sendable () async -> Result, abandoned: @escaping @Sendable () -> Result
    ) async -> Result {
        let race = Race<Result, Never>()
        let task = Task { race.finish(.success(await body())) }
        let (isEnded, isAbandoned) = state.withLock { state in
            state.cancel = { task.cancel() }
            state.abandon = { race.finish(.success(abandoned())) }
            return (state.ending != nil, state.isAbandoned)
        }
        if isEnded { task.cancel() }
        if isAbandoned { race.finish(.success(abandoned())) }
        let result = await race.value()
        state.withLock { ($0.cancel, $0.abandon) = (nil, nil) }
        return result
    }
}
