/// Why the server did not do what it was asked to.
enum PostgresFailure: Error, Hashable, CustomStringConvertible {
    /// There is no connection any more, or none came about.
    ///
    /// - Parameter state: the server's own code for it (SQLSTATE), if it gave one.
    case lost(reason: String, state: String?)
    /// The server refused a statement, and the connection is as good as before.
    case refused(state: String, message: String)

    var description: String {
        switch self {
        case .lost(let reason, _): reason
        case .refused(let state, let message): "PostgreSQL says: \(message) (SQLSTATE \(state))"
        }
    }

    /// The server's own code for it, if it gave one.
    var state: String? {
        switch self {
        case .lost(_, let state): state
        case .refused(let state, _): state
        }
    }

    /// The same, of this one of several servers.
    func at(_ server: String) -> PostgresFailure {
        switch self {
        case .lost(let reason, let state): .lost(reason: "\(server): \(reason)", state: state)
        case .refused(let state, let message): .refused(state: state, message: "\(server): \(message)")
        }
    }

    /// Whether another server may take the connection that this one did not: it is away, silent, starting, or not what
    /// was asked for. A login that is wrong here is wrong there.
    var isOfOneServer: Bool { state?.hasPrefix("57P") ?? true }

    /// What is to be done about a transaction that failed and left nothing behind.
    enum Remedy {
        /// Another connection, maybe to another server.
        case reconnect
        /// The same once more: another transaction was in the way.
        case again
        /// Without its neighbours: one of the writes is one that the database cannot take.
        case alone
        /// Nothing: every write would fail in the same way.
        case giveUp
    }

    var remedy: Remedy {
        switch self {
        case .lost:
            return .reconnect
        case .refused(let state, _):
            // Read-only: after a failover this is no longer the primary.
            if state == "25006" { return .reconnect }
            // Serialization failure, deadlock, and a row that another transaction has made meanwhile.
            if ["40001", "40P01", "23505"].contains(state) { return .again }
            return code == .rejected ? .alone : .giveUp
        }
    }

    var code: StoreError.Code {
        switch self {
        case .lost(_, "53100"), .refused("53100", _):
            return .diskFull
        case .lost:
            return .unavailable
        case .refused(let state, _):
            // A deadlock and its like; memory or connections at an end; a lock not had in time; an operator's
            // intervention; the system below; a read-only server.
            let transient = ["40", "53", "55", "57", "58", "08"].contains { state.hasPrefix($0) } || state == "25006"
            if transient { return .unavailable }
            return state.hasPrefix("XX") ? .corrupt : .rejected
        }
    }

    /// Whether somebody has to change the settings: what the server was told of user, password or database, or what the
    /// two ends want of TLS.
    var isOfSettings: Bool {
        guard case .lost(let reason, let state) = self else { return false }
        guard let state else { return TLSObjection(reason) != nil }
        return state.hasPrefix("28") || state == "3D000" || state == "42501"
    }

    /// Whether the server ends the connection after this refusal.
    static func endsConnection(state: String) -> Bool {
        // Shut down by an operator, a crash, not ready yet, the database dropped; idle for too long; the wire itself.
        ["57P01", "57P02", "57P03", "57P04", "57P05", "25P03"].contains(state) || state.hasPrefix("08")
    }
}
