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

    /// What of a turn can be waited for no longer.
    package enum Part: Sendable, Hashable {
        /// The agent's part of the run, up to the answer's end.
        case run
        /// A hook before or after that, by its name.
        case hook(String)
    }

    private struct Awaited {
        var number: Int
        var part: Part
        var cancel: @Sendable () -> Void
        /// Returns whether it had not come to its end by itself.
        var leaveBehind: @Sendable () -> Bool
    }

    private struct State {
        var ending: Ending?
        var onLost: (@Sendable () -> Void)?
        var isDecided = false
        var awaited: Awaited?
        /// How many parts have begun.
        var begun = 0

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
            // A hook beside the run is about the turn, however that ended.
            let cancel = state.awaited.flatMap { $0.part == .run ? $0.cancel : nil }
            return (true, cancel, ending == .lost ? state.onLost : nil)
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

    /// Names what is waited for at this moment, for ``leaveBehind(_:)``; `nil` if nothing is.
    package var awaited: Int? { state.withLock { $0.awaited?.number } }

    /// Waits no longer for what was waited for when ``awaited`` gave `number`, if that is still so. It is cancelled, goes on
    /// for itself, and what it has to say changes nothing.
    /// - Returns: what was given up, if something was.
    package func leaveBehind(_ number: Int) -> Part? {
        let awaited = state.withLock { $0.awaited?.number == number ? $0.awaited : nil }
        return awaited.flatMap { $0.leaveBehind() ? $0.part : nil }
    }

    /// Runs `body` so that ``end(_:)`` cancels it.
    /// - Parameter abandoned: what comes of it if it does not end when it should.
    package func run<Output: Sendable>(
        _ body: @escaping @Sendable () async -> Output, abandoned: @escaping @Sendable () -> Output
    ) async -> Output {
        await wait(for: .run, body, leftBehind: abandoned)
    }

    /// Calls a hook that is no part of the run: the turn's end does not cancel it, but it may be left behind. Not to be
    /// called within ``run(_:abandoned:)``, which sees to the hooks in it.
    /// - Throws: what `body` throws; ``HookLeftBehind`` if it is waited for no longer.
    package func call<Output: Sendable>(
        _ hook: String, _ body: @escaping @Sendable () async throws -> Output
    ) async throws -> Output {
        let result: Result<Output, any Error> = await wait(for: .hook(hook)) {
            do {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        } leftBehind: {
            .failure(HookLeftBehind(hook: hook))
        }
        return try result.get()
    }

    private func wait<Output: Sendable>(
        for part: Part, _ body: @escaping @Sendable () async -> Output,
        leftBehind: @escaping @Sendable () -> Output
    ) async -> Output {
        let race = Race<Output, Never>()
        let task = Task { race.finish(.success(await body())) }
        let isEnded = state.withLock { state in
            state.begun += 1
            state.awaited = Awaited(
                number: state.begun, part: part, cancel: { task.cancel() },
                leaveBehind: {
                    defer { task.cancel() }
                    return race.finish(.success(leftBehind()))
                })
            return part == .run && state.ending != nil
        }
        if isEnded { task.cancel() }
        let result = await race.value()
        state.withLock { $0.awaited = nil }
        return result
    }
}

/// A hook took longer than a turn may, and is waited for no longer.
package struct HookLeftBehind: Error, CustomStringConvertible {
    package let hook: String

    package var description: String { "\(hook) took longer than the turn may, and was left behind" }
}
