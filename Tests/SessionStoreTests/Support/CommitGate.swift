import Dispatch
import Synchronization

/// Holds the committer's thread just before a commit until the test lets it go on.
final class CommitGate: Sendable {
    private enum State {
        case open
        case closed(waiter: CheckedContinuation<Void, Never>?)
        case holding
    }

    private let state = Mutex(State.open)
    private let release = DispatchSemaphore(value: 0)

    /// Blocks the calling thread while the gate is closed.
    func pass() {
        let (holds, waiter): (Bool, CheckedContinuation<Void, Never>?) = state.withLock { state in
            guard case .closed(let waiter) = state else { return (false, nil) }
            state = .holding
            return (true, waiter)
        }
        waiter?.resume()
        if holds { release.wait() }
    }

    func close() {
        state.withLock { $0 = .closed(waiter: nil) }
    }

    func open() {
        let wasHolding = state.withLock { state in
            defer { state = .open }
            if case .holding = state { return true } else { return false }
        }
        if wasHolding { release.signal() }
    }

    func waitUntilHeld() async {
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                if case .holding = state { return true }
                state = .closed(waiter: continuation)
                return false
            }
            if isHeld { continuation.resume() }
        }
    }
}
