import Synchronization
import Telemetry

/// What a turn host's vitals are taken from.
final class HostPulse: Sendable {
    private struct Turn {
        var session: String
        var began: ContinuousClock.Instant
    }

    private struct State {
        var turns: [Int: Turn] = [:]
        var lastTurn = 0
        var storeFailing: ContinuousClock.Instant?
    }

    private let state = Mutex(State())
    /// Read for every write, so that a store that works costs no lock.
    private let isStoreAway = Atomic(false)

    /// A turn of this session runs from now on.
    /// - Returns: what it is called when it ends.
    @inline(never)
    func began(_ session: String) -> Int {
        state.withLock { state in
            state.lastTurn += 1
            state.turns[state.lastTurn] = Turn(session: session, began: .now)
            return state.lastTurn
        }
    }

    @inline(never)
    func ended(_ turn: Int) {
        state.withLock { $0.turns[turn] = nil }
    }

    /// The store has failed, and may work again later.
    func storeFailed() {
        MetricCatalog.storeFailures.add()
        state.withLock { state in
            if state.storeFailing == nil { state.storeFailing = .now }
            isStoreAway.store(true, ordering: .relaxed)
        }
    }

    func storeWorked() {
        guard isStoreAway.load(ordering: .relaxed) else { return }
        state.withLock { state in
            state.storeFailing = nil
            isStoreAway.store(false, ordering: .relaxed)
        }
    }

    var isStoreFailing: Bool { isStoreAway.load(ordering: .relaxed) }

    func vitals(sessions: Int, eventsStalled: Duration?, eventsOutstanding: Int) -> HostVitals {
        state.withLock { state in
            let oldest = state.turns.values.min { $0.began < $1.began }
            return HostVitals(
                running: state.turns.count, sessions: sessions, oldestTurn: oldest.map { .now - $0.began },
                oldestSession: oldest?.session, eventsStalled: eventsStalled,
                eventsOutstanding: eventsOutstanding, storeAway: state.storeFailing.map { .now - $0 })
        }
    }
}
