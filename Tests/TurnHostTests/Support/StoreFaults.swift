import SessionStore
import Synchronization

/// What goes wrong between a host and its store.
final class StoreFaults: Sendable {
    enum Write: Sendable, Hashable { case beginRun, settle, openRuns }

    private struct State {
        var before: [Write: Int] = [:]
        var after: [Write: Int] = [:]
        var gate: Latch?
    }

    private let state = Mutex(State())

    /// The next `count` calls are refused.
    func refuse(_ write: Write, _ count: Int = 1) {
        state.withLock { $0.before[write] = count }
    }

    /// The next call takes effect, and its answer is lost.
    func loseAnswer(to write: Write) {
        state.withLock { $0.after[write] = 1 }
    }

    /// Beginnings of runs wait for `latch`.
    func holdBeginnings(_ latch: Latch) {
        state.withLock { $0.gate = latch }
    }

    func before(_ write: Write) async throws(StoreError) {
        if write == .beginRun, let gate = state.withLock({ $0.gate }) { await gate.wait() }
        if take(write, \.before) { throw Self.away }
    }

    func after(_ write: Write) throws(StoreError) {
        if take(write, \.after) { throw Self.away }
    }

    private func take(_ write: Write, _ faults: WritableKeyPath<State, [Write: Int]>) -> Bool {
        state.withLock { state in
            guard let left = state[keyPath: faults][write], left > 0 else { return false }
            state[keyPath: faults][write] = left - 1
            return true
        }
    }

    private static var away: StoreError {
        StoreError(code: .unavailable, operation: "being tested", reason: "the test says so")
    }
}
