import Synchronization

/// Ends the merging windows of a host's writers: one timer for all of them, and none while nothing was written lately.
package final class FlushTicker: Sendable {
    private struct State {
        var writers: [EventWriter] = []
        var isTicking = false
    }

    private let window: Duration
    private let state = Mutex(State())

    package init(window: Duration) {
        self.window = window
    }

    /// Whether deltas are merged at all.
    var hasWindow: Bool { window > .zero }

    /// Ends the window of `writer` at the next tick. A writer that has a window is marked once.
    func mark(_ writer: EventWriter) {
        let starts = state.withLock { state in
            state.writers.append(writer)
            defer { state.isTicking = true }
            return !state.isTicking
        }
        if starts { Task { await tick() } }
    }

    private func tick() async {
        while true {
            // Nothing cancels this task; a sleep that fails is a window that ends early.
            try? await Task.sleep(for: window)
            let due = state.withLock { state in
                let due = state.writers
                state.writers = []
                if due.isEmpty { state.isTicking = false }
                return due
            }
            if due.isEmpty { return }
            let again = due.filter { $0.endWindow() }
            state.withLock { $0.writers += again }
        }
    }
}
