/// When a write is refused. Each rule goes by what the store has found, however it found it; nil lets the write pass.
///
/// The rules of a write are asked in the order in which they stand here.
enum WriteRules {
    static func fence(_ fence: Fence, current: Int64) -> WriteResult? {
        current == fence.token ? nil : .fenced(current: current)
    }

    static func beginning(_ begin: BeginRun) -> WriteResult? {
        guard begin.run.status == .running, begin.run.session == begin.session else {
            return .conflict(
                reason: "run \(begin.run.id) does not begin as a running one of session \(begin.session)")
        }
        return partition(begin.fence, of: begin.run.position.log, session: begin.session)
    }

    static func partition(_ fence: Fence, of log: LogIdentity, session: String) -> WriteResult? {
        fence.guards(log)
            ? nil : .conflict(reason: "the fence is of another partition than the request of session \(session)")
    }

    /// - Parameter found: 0 if the session was never settled.
    static func revision(of session: String, expected: Int64, found: Int64) -> WriteResult? {
        found == expected ? nil : .conflict(reason: "session \(session) is at revision \(found), not \(expected)")
    }

    /// - Parameter begun: a run of the same turn that has begun, the highest if there are several.
    static func newRun(_ run: StoredRun, begun: Int?) -> WriteResult? {
        guard let begun, begun >= run.run else { return nil }
        return .conflict(reason: "run \(begun) of turn \(run.turn) of session \(run.session) has begun already")
    }

    /// - Parameter settled: the session's offset in the same log, if it has one.
    static func position(_ position: LogPosition, of session: String, settled: Int64?) -> WriteResult? {
        guard let settled, settled > position.offset else { return nil }
        return .conflict(
            reason: "session \(session) is settled up to offset \(settled), beyond \(position.offset)")
    }

    static func idempotencyKey(_ settlement: Settlement, isTaken: Bool) -> WriteResult? {
        isTaken
            ? .conflict(reason: "the idempotency key was used in session \(settlement.session) before") : nil
    }

    /// - Parameter kept: how many of the messages stay (``kept(_:existing:)``).
    static func history(_ settlement: Settlement, kept: Int) -> WriteResult? {
        let replaced = settlement.history.replace.map(\.index)
        guard kept < 0 || replaced.contains(where: { !(0..<kept).contains($0) }) else { return nil }
        return .conflict(reason: "the history of session \(settlement.session) has no such messages to keep or replace")
    }

    static func kept(_ settlement: Settlement, existing: Int) -> Int { min(settlement.history.keep, existing) }

    /// - Parameter begun: the first two runs of the turn, by number, that are not below the one to be settled.
    static func turn(
        _ turn: TurnSettlement, session: String, begun: [(run: Int, isOpen: Bool)]
    ) -> WriteResult? {
        let id = StoredRun.id(session: session, turn: turn.turn, run: turn.run)
        guard turn.status.isFinal else {
            return .conflict(reason: "run \(id) cannot be settled as \(turn.status.rawValue)")
        }
        guard let first = begun.first, first.run == turn.run else {
            return .conflict(reason: "run \(id) was never begun")
        }
        guard begun.count == 1 else { return .conflict(reason: "run \(id) was taken over by run \(begun[1].run)") }
        return first.isOpen ? nil : .conflict(reason: "run \(id) is settled")
    }

    /// Whether a run that goes on may be written to.
    ///
    /// - Parameter found: nil if there is no such run.
    static func runningRun(
        session: String, turn: Int, run: Int, fence: Fence, found: (status: RunStatus, partition: FencedPartition)?
    ) -> WriteResult? {
        let id = StoredRun.id(session: session, turn: turn, run: run)
        guard let found else { return .conflict(reason: "run \(id) was never begun") }
        guard found.status == .running else { return .conflict(reason: "run \(id) is \(found.status.rawValue)") }
        guard found.partition == FencedPartition(fence) else {
            return .conflict(reason: "the fence is of another partition than the request of session \(session)")
        }
        return nil
    }
}
