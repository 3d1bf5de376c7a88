import SessionStore

extension MemoryDatabase {
    mutating func begin(_ begin: BeginRun) -> WriteResult {
        let run = begin.run
        if let refusal = refusal(of: begin.fence) { return refusal }
        guard run.status == .running, run.session == begin.session else {
            return .conflict(reason: "run \(run.id) does not begin as a running one of session \(begin.session)")
        }
        guard begin.fence.isOf(run.position.log) else { return Self.wrongPartition(begin.session) }
        let revision = sessions[begin.session]?.stored.revision ?? 0
        guard revision == begin.expectedRevision else {
            return Self.wrongRevision(begin.session, expected: begin.expectedRevision, found: revision)
        }
        let turn = TurnName(session: run.session, turn: run.turn)
        let earlier = turns[turn] ?? []
        if let latest = earlier.last.map({ runs[$0].stored.run }), latest >= run.run {
            return .conflict(reason: "run \(latest) of turn \(run.turn) of session \(run.session) has begun already")
        }
        if let previous = begin.previousEnd, let place = earlier.first(where: { runs[$0].stored.run == previous.run }),
            runs[place].stored.status == .running
        {
            interrupt(place, cause: previous.cause, kind: previous.kind, at: run.startedAt)
        }
        note(run.position.log)
        turns[turn, default: []].append(runs.count)
        openRuns[run.session, default: []].append(runs.count)
        runs.append(Run(stored: run))
        runs[runs.count - 1].stored.intents = []
        record(run.intents, at: runs.count - 1)
        return .written(revision: revision)
    }

    mutating func interruptRun(
        session: String, turn: Int, run: Int, cause: String, kind: RunEnd, fence: Fence, at: Int64
    ) -> WriteResult {
        if let refusal = refusal(of: fence) { return refusal }
        switch runningRun(session: session, turn: turn, run: run, fence: fence) {
        case .failure(let refusal): return refusal.result
        case .success(let place):
            interrupt(place, cause: cause, kind: kind, at: at)
            return .written(revision: sessions[session]?.stored.revision ?? 0)
        }
    }

    mutating func recordIntents(
        session: String, turn: Int, run: Int, calls: [String], fence: Fence
    ) -> WriteResult {
        if let refusal = refusal(of: fence) { return refusal }
        switch runningRun(session: session, turn: turn, run: run, fence: fence) {
        case .failure(let refusal): return refusal.result
        case .success(let place):
            record(calls, at: place)
            return .written(revision: sessions[session]?.stored.revision ?? 0)
        }
    }

    private mutating func record(_ calls: [String], at place: Int) {
        for call in calls where !runs[place].stored.intents.contains(call) { runs[place].stored.intents.append(call) }
    }

    private struct Refusal: Error {
        var result: WriteResult
    }

    private func runningRun(session: String, turn: Int, run: Int, fence: Fence) -> Result<Int, Refusal> {
        let id = StoredRun.id(session: session, turn: turn, run: run)
        let places = turns[TurnName(session: session, turn: turn)] ?? []
        guard let place = places.first(where: { runs[$0].stored.run == run }) else {
            return .failure(Refusal(result: .conflict(reason: "run \(id) was never begun")))
        }
        let found = runs[place].stored
        guard found.status == .running else {
            return .failure(Refusal(result: .conflict(reason: "run \(id) is \(found.status.rawValue)")))
        }
        guard fence.isOf(found.position.log) else { return .failure(Refusal(result: Self.wrongPartition(session))) }
        return .success(place)
    }

    private mutating func interrupt(_ place: Int, cause: String, kind: RunEnd, at: Int64) {
        runs[place].stored.status = .interrupted
        runs[place].stored.cause = cause
        runs[place].stored.causeKind = kind
        runs[place].stored.endedAt = at
    }

    /// Why the turn cannot be settled as `turn` says, if it cannot.
    func refusal(of turn: TurnSettlement, session: String) -> WriteResult? {
        let id = StoredRun.id(session: session, turn: turn.turn, run: turn.run)
        guard turn.status.isFinal else {
            return .conflict(reason: "run \(id) cannot be settled as \(turn.status.rawValue)")
        }
        let places = turns[TurnName(session: session, turn: turn.turn)] ?? []
        guard let place = places.first(where: { runs[$0].stored.run == turn.run }) else {
            return .conflict(reason: "run \(id) was never begun")
        }
        guard place == places.last else { return .conflict(reason: "run \(id) was taken over by a later run") }
        return runs[place].isOpen ? nil : .conflict(reason: "run \(id) is settled")
    }

    /// Writes how the turn ended to its last run, and closes those that died before it.
    mutating func close(_ turn: TurnSettlement, session: String, at: Int64) {
        for place in turns[TurnName(session: session, turn: turn.turn)] ?? [] where runs[place].isOpen {
            runs[place].isOpen = false
            runs[place].stored.intents = []
            openRuns[session]?.removeAll { $0 == place }
            guard runs[place].stored.run == turn.run else {
                runs[place].stored.status = .interrupted
                runs[place].stored.endedAt = runs[place].stored.endedAt ?? at
                continue
            }
            runs[place].stored.status = turn.status
            runs[place].stored.endedAt = at
            runs[place].stored.outcome = turn.outcome
            runs[place].stored.finishReason = turn.finishReason
            runs[place].stored.usage = turn.usage
            runs[place].stored.error = turn.error
            runs[place].stored.stopped = turn.stopped
        }
        if openRuns[session]?.isEmpty == true { openRuns[session] = nil }
    }

    /// Forgets the session's open runs for the request at `position`, as if they had never begun.
    mutating func dropRuns(of session: String, at position: LogPosition) {
        for place in openRuns[session] ?? [] where runs[place].stored.position == position {
            runs[place].isOpen = false
            runs[place].isDropped = true
            let turn = TurnName(session: session, turn: runs[place].stored.turn)
            turns[turn]?.removeAll { $0 == place }
            if turns[turn]?.isEmpty == true { turns[turn] = nil }
            openRuns[session]?.removeAll { $0 == place }
        }
        if openRuns[session]?.isEmpty == true { openRuns[session] = nil }
    }
}
