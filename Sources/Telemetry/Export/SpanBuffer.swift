import DequeModule
import Synchronization

/// Spans on their way to an exporter: as many as there is room for. What does not fit is counted, and nobody waits.
package final class SpanBuffer: Sendable {
    private struct State {
        var spans: Deque<FinishedSpan> = []
        var dropped = 0
        /// Whoever waits for there to be a batch, and whether it has waited long enough.
        var waiting: CheckedContinuation<Void, Never>?
        var isDue = false
    }

    /// So many are worth a request of their own: with fewer, requests cost as much as their spans.
    static let batch = 2048

    private let capacity: Int
    private let state = Mutex(State())

    package init(capacity: Int = 8192) { self.capacity = capacity }

    /// How many wait.
    var count: Int { state.withLock { $0.spans.count } }

    package func add(_ span: FinishedSpan) {
        let waiting = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.spans.count < capacity else {
                state.dropped += 1
                return nil
            }
            state.spans.append(span)
            guard state.spans.count >= Self.batch else { return nil }
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// Returns when there is a batch, after `limit`, or when the task is cancelled. For one caller at a time.
    func waitForBatch(atMost limit: Duration) async {
        let timer = Task {
            guard (try? await Task.sleep(for: limit)) != nil else { return }
            self.wake()
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isDue || state.spans.count >= Self.batch || Task.isCancelled { return true }
                    state.waiting = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            wake()
        }
        timer.cancel()
        state.withLock { $0.isDue = false }
    }

    private func wake() {
        let waiting = state.withLock { state in
            state.isDue = true
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume()
    }

    /// The oldest, and how many were dropped since the last call.
    func take(atMost count: Int) -> (spans: [FinishedSpan], dropped: Int) {
        state.withLock { state in
            let count = min(count, state.spans.count)
            var taken: [FinishedSpan] = []
            taken.reserveCapacity(count)
            // Moved one by one: a copy of each would cost more than the rest.
            for _ in 0..<count { taken.append(state.spans.removeFirst()) }
            defer { state.dropped = 0 }
            return (taken, state.dropped)
        }
    }
}
