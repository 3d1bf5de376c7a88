import Synchronization

/// What a test's workers share: one state, and those who wait for it to become something.
final class Stage: Sendable {
    private struct Watch: Sendable {
        var id: UInt64
        var isMet: @Sendable (StageState) -> Bool
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct Guarded: Sendable {
        var state = StageState()
        var nextID: UInt64 = 0
        var watches: [Watch] = []
    }

    private let guarded = Mutex(Guarded())

    /// Reads the state.
    func read<Result: Sendable>(_ body: (StageState) -> Result) -> Result {
        guarded.withLock { body($0.state) }
    }

    /// Changes the state, and wakes whoever waited for what it has become.
    @discardableResult
    func change<Result: Sendable>(_ body: (inout StageState) -> Result) -> Result {
        let (result, met) = guarded.withLock { guarded -> (Result, [Watch]) in
            let result = body(&guarded.state)
            guard !guarded.watches.isEmpty else { return (result, []) }
            let met = guarded.watches.filter { $0.isMet(guarded.state) }
            if !met.isEmpty {
                let ids = Set(met.map(\.id))
                guarded.watches.removeAll { ids.contains($0.id) }
            }
            return (result, met)
        }
        for watch in met { watch.continuation.resume() }
        return result
    }

    /// Suspends until the state is as wanted.
    /// - Parameters:
    ///   - what: for the error, if it does not come to that within `bound`; `nil` waits for ever.
    /// - Throws: ``MockChatError/timedOut(waitingFor:after:)``; `CancellationError` as soon as the task is cancelled.
    func wait(
        for what: String, within bound: Duration?, until isMet: @escaping @Sendable (StageState) -> Bool
    ) async throws {
        let id = guarded.withLock { guarded -> UInt64? in
            guard !isMet(guarded.state) else { return nil }
            guarded.nextID += 1
            return guarded.nextID
        }
        guard let id else { return }
        let watchdog = bound.map { bound in
            Task {
                try await Task.sleep(for: bound)
                end(id, with: MockChatError.timedOut(waitingFor: what, after: bound))
            }
        }
        defer { watchdog?.cancel() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                add(Watch(id: id, isMet: isMet, continuation: continuation))
            }
        } onCancel: {
            end(id, with: CancellationError())
        }
    }

    private func add(_ watch: Watch) {
        let isMet = guarded.withLock { guarded in
            if watch.isMet(guarded.state) { return true }
            guarded.watches.append(watch)
            return false
        }
        if isMet { return watch.continuation.resume() }
        // A cancellation that came before there was anybody to tell.
        if Task.isCancelled { end(watch.id, with: CancellationError()) }
    }

    private func end(_ id: UInt64, with error: any Error) {
        let watch = guarded.withLock { guarded -> Watch? in
            guard let place = guarded.watches.firstIndex(where: { $0.id == id }) else { return nil }
            return guarded.watches.remove(at: place)
        }
        watch?.continuation.resume(throwing: error)
    }
}
