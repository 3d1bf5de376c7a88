import ChatAgent
import DequeModule
import Synchronization

/// The sessions on this host: those with requests, and those that are kept warm for the next one.
///
/// Idle sessions are held up to a bound of bytes, the least recently used go first. Their number is bounded by their
/// size too: each counts for what it takes besides its history.
final class SessionTable: Sendable {
    private struct Idle {
        var session: HostedSession
        var stamp: UInt64
    }

    private struct State {
        var sessions: [String: HostedSession] = [:]
        var idle: Deque<Idle> = []
        var stamps: [String: (stamp: UInt64, bytes: Int)] = [:]
        var idleBytes = 0
        var clock: UInt64 = 0
    }

    /// What an idle session takes besides its history's bytes, as measured with 100,000 of them.
    private static let ownBytes = 10 * 1024

    private let maximumBytes: Int
    /// Called with the id and the locals of a booted session that is let go.
    private let onEvicted: @Sendable (String, Locals) -> Void
    private let state = Mutex(State())

    init(maximumBytes: Int, onEvicted: @escaping @Sendable (String, Locals) -> Void) {
        self.maximumBytes = maximumBytes
        self.onEvicted = onEvicted
    }

    /// Delivers `dispatch` to its session.
    /// - Returns: the session, and whether a runner has to be started for it.
    func deliver(_ dispatch: Dispatch) -> (session: HostedSession, isIdle: Bool) {
        state.withLock { state in
            let session = state.sessions[dispatch.session] ?? HostedSession(id: dispatch.session)
            state.sessions[dispatch.session] = session
            if let idle = state.stamps.removeValue(forKey: dispatch.session) { state.idleBytes -= idle.bytes }
            return (session, session.deliver(dispatch))
        }
    }

    /// The session, if it is held.
    func session(_ id: String) -> HostedSession? {
        state.withLock { $0.sessions[id] }
    }

    /// `session` has nothing to do.
    func idle(_ session: HostedSession, bytes: Int) {
        state.withLock { state in
            state.clock += 1
            let bytes = bytes + Self.ownBytes
            if let before = state.stamps.updateValue((state.clock, bytes), forKey: session.id) {
                state.idleBytes -= before.bytes
            }
            state.idleBytes += bytes
            state.idle.append(Idle(session: session, stamp: state.clock))
            while state.idleBytes > maximumBytes, let oldest = state.idle.popFirst() {
                guard let (stamp, bytes) = state.stamps[oldest.session.id], stamp == oldest.stamp else { continue }
                state.stamps[oldest.session.id] = nil
                state.idleBytes -= bytes
                let (isEvicted, memory) = oldest.session.evict()
                if isEvicted { state.sessions[oldest.session.id] = nil }
                if let memory, memory.isBooted { onEvicted(oldest.session.id, memory.locals) }
            }
            // Entries of sessions that were busy since are passed over above; without pressure they must go here.
            if state.idle.count > 2 * state.stamps.count + 64 {
                state.idle.removeAll { state.stamps[$0.session.id]?.stamp != $0.stamp }
            }
        }
    }

    /// The sessions that have requests under `assignment`.
    func sessions(under assignment: Int64) -> Set<String> {
        let all = state.withLock { Array($0.sessions.values) }
        return Set(all.filter { $0.hasRequests(under: assignment) }.map(\.id))
    }

    /// Ends every turn that runs under `assignment`.
    func end(_ ending: TurnEnding, assignment: Int64) {
        let all = state.withLock { Array($0.sessions.values) }
        for session in all { session.end(ending, assignment: assignment) }
    }

    /// How many sessions are held, busy or idle.
    var count: Int { state.withLock { $0.sessions.count } }
}
