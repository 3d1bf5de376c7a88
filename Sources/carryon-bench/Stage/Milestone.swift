import Synchronization

/// Something that is waited for, but not for ever.
final class Milestone: Sendable {
    private enum State {
        case open([CheckedContinuation<Bool, Never>])
        case reached
    }

    private let state = Mutex(State.open([]))

    func reach() {
        finish(true)
    }

    /// - Throws: ``BenchmarkFailure`` if it is not reached in time.
    func wait(upTo limit: Duration, for what: String) async throws {
        let timer = Task {
            try await Task.sleep(for: limit)
            finish(false)
        }
        defer { timer.cancel() }
        let isReached = await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                guard case .open(let waiting) = state else { return true }
                state = .open(waiting + [continuation])
                return false
            }
            if isReached { continuation.resume(returning: true) }
        }
        guard isReached else { throw BenchmarkFailure("timeout", "\(what) took longer than \(limit)") }
    }

    private func finish(_ isReached: Bool) {
        let waiting = state.withLock { state -> [CheckedContinuation<Bool, Never>] in
            guard case .open(let waiting) = state else { return [] }
            state = isReached ? .reached : .open([])
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: isReached) }
    }
}
