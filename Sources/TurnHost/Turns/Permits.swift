import DequeModule
import Synchronization

/// Bounds how many turns run at once. Permits are given in the order in which they were asked for.
package final class Permits: Sendable {
    private struct State {
        var free: Int
        var waiting: Deque<CheckedContinuation<Void, Never>> = []
    }

    private let state: Mutex<State>

    package init(_ count: Int) {
        state = Mutex(State(free: count))
    }

    /// The right to run a turn, given back when asked to or, at the latest, when nobody holds it any more.
    final class Permit: Sendable {
        private let permits: Permits
        private let isHeld = Atomic(true)

        fileprivate init(_ permits: Permits) {
            self.permits = permits
        }

        /// Gives the permit back; once is enough.
        func release() {
            if isHeld.exchange(false, ordering: .relaxed) { permits.release() }
        }

        deinit { release() }
    }

    /// Suspends until a permit is free, and takes it.
    func acquire() async -> Permit {
        await take()
        return Permit(self)
    }

    private func take() async {
        let isFree = state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
        if isFree { return }
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func release() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            if next == nil { state.free += 1 }
            return next
        }
        next?.resume()
    }
}
