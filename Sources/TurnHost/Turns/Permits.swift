import DequeModule
import Synchronization

/// Bounds how many turns run at once. Those who wait get permits tenant by tenant, and within a tenant in the order in
/// which they asked; everybody without a tenant counts as one.
package final class Permits: Sendable {
    private struct State {
        /// Below zero while more turns run than may: after the number was lowered.
        var free: Int
        var total: Int
        var waiting: [String?: Deque<CheckedContinuation<Void, Never>>] = [:]
        /// The tenants that have somebody waiting, each once: the first is next.
        var turns: Deque<String?> = []
    }

    private let state: Mutex<State>

    package init(_ count: Int) {
        state = Mutex(State(free: count, total: count))
    }

    /// Changes how many turns may run at once. Those who wait and fit in are let in at once; those who run go on, and
    /// what they give back counts first against those that are too many.
    package func resize(to count: Int) {
        let admitted = state.withLock { state in
            state.free += count - state.total
            state.total = count
            var admitted: [CheckedContinuation<Void, Never>] = []
            while state.free > 0, let next = Self.takeNext(from: &state) {
                state.free -= 1
                admitted.append(next)
            }
            return admitted
        }
        for next in admitted { next.resume() }
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

    /// Suspends until a permit is free and it is this tenant's turn, and takes it.
    @inline(never)
    func acquire(for tenant: String? = nil) async -> Permit {
        await take(for: tenant)
        return Permit(self)
    }

    /// How many wait.
    package var waitingCount: Int { state.withLock { $0.waiting.values.reduce(0) { $0 + $1.count } } }

    private func take(for tenant: String?) async {
        let isFree = state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
        if isFree { return }
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    if state.waiting[tenant] == nil { state.turns.append(tenant) }
                    state.waiting[tenant, default: []].append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.free >= 0, let next = Self.takeNext(from: &state) else {
                state.free += 1
                return nil
            }
            return next
        }
        next?.resume()
    }

    private static func takeNext(from state: inout State) -> CheckedContinuation<Void, Never>? {
        guard let tenant = state.turns.popFirst(), var waiting = state.waiting.removeValue(forKey: tenant) else {
            return nil
        }
        let next = waiting.popFirst()
        guard !waiting.isEmpty else { return next }
        state.waiting[tenant] = waiting
        state.turns.append(tenant)
        return next
    }
}
