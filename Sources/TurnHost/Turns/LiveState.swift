import SessionStore
import Synchronization

/// What the consumer may change while the host works: some of its settings, and which sessions are parked.
final class LiveState: Sendable {
    private struct State {
        var tuning: HostTuning
        var parked: [String: ParkedSession] = [:]
    }

    private let state: Mutex<State>

    init(tuning: HostTuning) {
        state = Mutex(State(tuning: tuning))
    }

    var tuning: HostTuning {
        get { state.withLock { $0.tuning } }
        set { state.withLock { $0.tuning = newValue } }
    }

    /// Takes in which sessions are parked now.
    func park(_ sessions: [ParkedSession]) {
        let parked = Dictionary(sessions.map { ($0.session, $0) }) { _, last in last }
        state.withLock { $0.parked = parked }
    }

    /// Whether the session was parked when that was last told. Whoever acts on it asks the store first.
    func isParked(_ session: String) -> Bool { state.withLock { $0.parked[session] != nil } }
}
