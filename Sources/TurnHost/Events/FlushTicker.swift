import Synchronization

/// Comes back for merged deltas when their window ends: one timer for all writers of a host, and none while nothing waits.
package final class FlushTicker: Sendable {
    private struct State {
        var waiting: [ObjectIdentifier: EventWriter] = [:]
        var isTicking = false
    }

    private let window: Duration
    private let state = Mutex(State())

    package init(window: Duration) {
        self.window = window
    }

    /// Has `writer` flushed within the next window.
    package func mark(_ writer: EventWriter) {
        let starts = state.withLock { state in
            state.waiting[ObjectIdentifier(writer)] = writer
            defer { state.isTicking = true }
            return !state.isTicking
        }
        if starts { Task { await tick() } }
    }

    private func tick() async {
        while true {
            // Nothing cancels this task; a sleep that fails is a flush that comes early.
            try? await Task.sleep(for: window)
            let due = state.withLock { state in
                let due = Array(state.waiting.values)
                state.waiting.removeAll(keepingCapacity: true)
                if due.isEmpty { state.isTicking = false }
                return due
            }
            if due.isEmpty { return }
            for writer in due { writer.flush() }
        }
    }
}
