import DequeModule
import Synchronization

/// Spans on their way to an exporter: as many as there is room for. What does not fit is counted, and nobody waits.
package final class SpanBuffer: Sendable {
    private struct State {
        var spans: Deque<FinishedSpan> = []
        var dropped = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    package init(capacity: Int = 4096) { self.capacity = capacity }

    package func add(_ span: FinishedSpan) {
        state.withLock { state in
            if state.spans.count < capacity {
                state.spans.append(span)
            } else {
                state.dropped += 1
            }
        }
    }

    /// The oldest, and how many were dropped since the last call.
    func take(atMost count: Int) -> (spans: [FinishedSpan], dropped: Int) {
        state.withLock { state in
            let taken = Array(state.spans.prefix(count))
            state.spans.removeFirst(taken.count)
            defer { state.dropped = 0 }
            return (taken, state.dropped)
        }
    }
}
