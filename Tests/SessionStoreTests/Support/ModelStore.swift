import SessionStore

/// What a store should hold, kept in the most obvious way: whole values in dictionaries, nothing incremental.
struct ModelStore {
    private(set) var sessions: [String: StoredSession] = [:]
    private(set) var runs: [(run: StoredRun, isOpen: Bool)] = []
    private var keys: [String: [String: LogPosition]] = [:]
    private var tokens: [String: Int64] = [:]

    mutating func takeFence(partition: Int32) -> Int64 {
        let name = "group/\(partition)"
        tokens[name, default: 0] += 1
        return tokens[name, default: 0]
    }

    private func refusal(of fence: Fence) -> WriteResult? {
        let current = tokens["\(fence.group)/\(fence.partition)"] ?? 0
        return current == fence.token ? nil : .fenced(current: current)
    }

    func load(_ id: String) -> StoredSession? {
        let open = runs.filter { $0.isOpen && $0.run.session == id }.map(\.run)
            .sorted { ($0.turn, $0.run) < ($1.turn, $1.run) }
        var session = sessions[id]
        if session == nil, !open.isEmpty { session = StoredSession(id: id) }
        session?.openRuns = open
        return session
    }

    func openRuns(_ log: LogIdentity) -> [StoredRun] {
        runs.filter { $0.isOpen && $0.run.position.log == log }.map(\.run)
    }

    func key(_ key: String, session: String) -> LogPosition? { keys[session]?[key] }

    mutating func begin(_ begin: BeginRun) -> WriteResult {
        if let refusal = refusal(of: begin.fence) { return refusal }
        let revision = sessions[begin.session]?.revision ?? 0
        guard begin.fence.partition == begin.run.position.log.partition, revision == begin.expectedRevision,
            !runs.contains(where: { isSameTurn($0.run, begin.run) && $0.run.run >= begin.run.run })
        else { return .conflict(reason: "") }
        for index in runs.indices
        where isSameTurn(runs[index].run, begin.run) && runs[index].run.run == begin.previousEnd?.run
            && runs[index].run.status == .running
        {
            runs[index].run.status = .interrupted
            runs[index].run.cause = begin.previousEnd?.cause
            runs[index].run.causeKind = begin.previousEnd?.kind
            runs[index].run.endedAt = begin.run.startedAt
        }
        var run = begin.run
        run.intents = []
        for call in begin.run.intents where !run.intents.contains(call) { run.intents.append(call) }
        runs.append((run, true))
        return .written(revision: revision)
    }

    private func isSameTurn(_ first: StoredRun, _ second: StoredRun) -> Bool {
        first.session == second.session && first.turn == second.turn
    }

    mutating func interrupt(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) -> WriteResult {
        if let refusal = refusal(of: fence) { return refusal }
        let index = runs.firstIndex { $0.run.session == session && $0.run.turn == turn && $0.run.run == run }
        guard let index, runs[index].run.status == .running,
            runs[index].run.position.log.partition == fence.partition
        else { return .conflict(reason: "") }
        runs[index].run.status = .interrupted
        runs[index].run.cause = cause
        runs[index].run.causeKind = kind
        runs[index].run.endedAt = at
        return .written(revision: sessions[session]?.revision ?? 0)
    }

    mutating func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) -> WriteResult {
        if let refusal = refusal(of: fence) { return refusal }
        let index = runs.firstIndex { $0.run.session == session && $0.run.turn == turn && $0.run.run == run }
        guard let index, runs[index].run.status == .running,
            runs[index].run.position.log.partition == fence.partition
        else { return .conflict(reason: "") }
        for call in calls where !runs[index].run.intents.contains(call) { runs[index].run.intents.append(call) }
        return .written(revision: sessions[session]?.revision ?? 0)
    }

    mutating func settle(_ settlement: Settlement) -> WriteResult {
        if let refusal = refusal(of: settlement.fence) { return refusal }
        let old = sessions[settlement.session]
        guard settlement.fence.partition == settlement.position.log.partition,
            (old?.revision ?? 0) == settlement.expectedRevision,
            old?.positions.contains(where: {
                $0.log == settlement.position.log && $0.offset > settlement.position.offset
            }) != true,
            settlement.idempotencyKey.map({ key($0, session: settlement.session) == nil }) ?? true,
            let history = Self.apply(settlement.history, to: old?.messages ?? []), closeRuns(settlement)
        else { return .conflict(reason: "") }
        var new = old ?? StoredSession(id: settlement.session, createdAt: settlement.at)
        new.revision += 1
        new.turns = settlement.turns
        new.nextSeq = settlement.nextSeq
        new.isClosed = settlement.isClosed
        new.updatedAt = settlement.at
        new.positions.removeAll { $0.log == settlement.position.log }
        new.positions.append(settlement.position)
        new.appliedAhead = settlement.appliedAhead ?? new.appliedAhead
        new.lastControl = settlement.lastControl ?? new.lastControl
        new.messages = history
        if let state = settlement.state { new.state = state.isEmpty ? nil : state }
        if settlement.turn == nil, settlement.dropsRuns {
            runs.removeAll {
                $0.isOpen && $0.run.session == settlement.session
                    && ($0.run.position == settlement.position || $0.run.position == settlement.origin)
            }
        }
        sessions[settlement.session] = new
        if let key = settlement.idempotencyKey { keys[settlement.session, default: [:]][key] = settlement.position }
        return .written(revision: new.revision)
    }

    mutating func forward(_ forwarding: Forwarding) -> WriteResult {
        let (name, position) = (forwarding.session, forwarding.position)
        if let refusal = refusal(of: forwarding.fence) { return refusal }
        let isBeyond = sessions[name]?.positions.contains { $0.log == position.log && $0.offset > position.offset }
        guard forwarding.fence.partition == position.log.partition, isBeyond != true else {
            return .conflict(reason: "")
        }
        var session =
            sessions[name]
            ?? StoredSession(
                id: name, createdAt: forwarding.at, updatedAt: forwarding.at,
                positions: [LogPosition(log: position.log, offset: position.offset - 1)])
        session.forwarded = forwarding.request
        if forwarding.request.offset != nil {
            session.positions.removeAll { $0.log == position.log }
            session.positions.append(position)
        }
        sessions[name] = session
        if let key = forwarding.idempotencyKey, keys[name]?[key] == nil { keys[name, default: [:]][key] = position }
        return .written(revision: session.revision)
    }

    private static func apply(_ change: HistoryChange, to messages: [StoredMessage]) -> [StoredMessage]? {
        guard change.keep >= 0 else { return nil }
        var result = Array(messages.prefix(change.keep))
        for (index, message) in change.replace {
            guard result.indices.contains(index) else { return nil }
            result[index] = message
        }
        return result + change.append
    }

    private mutating func closeRuns(_ settlement: Settlement) -> Bool {
        guard let turn = settlement.turn else { return true }
        let same = runs.indices.filter {
            runs[$0].run.session == settlement.session && runs[$0].run.turn == turn.turn
        }
        guard let last = same.max(by: { runs[$0].run.run < runs[$1].run.run }), runs[last].run.run == turn.run,
            runs[last].isOpen, turn.status.isFinal
        else { return false }
        for index in same where runs[index].isOpen && index != last {
            runs[index].isOpen = false
            runs[index].run.status = .interrupted
            runs[index].run.endedAt = runs[index].run.endedAt ?? settlement.at
            runs[index].run.intents = []
        }
        runs[last].isOpen = false
        runs[last].run.status = turn.status
        runs[last].run.endedAt = settlement.at
        runs[last].run.outcome = turn.outcome
        runs[last].run.finishReason = turn.finishReason
        runs[last].run.usage = turn.usage
        runs[last].run.error = turn.error
        runs[last].run.stopped = turn.stopped
        runs[last].run.intents = []
        return true
    }
}
