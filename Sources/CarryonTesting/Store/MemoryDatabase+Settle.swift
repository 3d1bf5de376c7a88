import SessionStore

extension MemoryDatabase {
    mutating func settle(_ settlement: Settlement) -> WriteResult {
        if let refusal = refusal(of: settlement) { return refusal }
        var session =
            sessions[settlement.session]
            ?? Session(stored: StoredSession(id: settlement.session, createdAt: settlement.at))
        // Its history must have one owner, or every settlement copies it.
        sessions[settlement.session] = nil
        session.stored.revision += 1
        session.stored.turns = settlement.turns
        session.stored.nextSeq = settlement.nextSeq
        session.stored.isClosed = settlement.isClosed
        session.stored.updatedAt = settlement.at
        session.stored.positions.removeAll { $0.log == settlement.position.log }
        session.stored.positions.insert(settlement.position, at: 0)
        if let ahead = settlement.appliedAhead { session.stored.appliedAhead = ahead }
        if let control = settlement.lastControl { session.stored.lastControl = control }
        if let state = settlement.state { session.stored.state = state.isEmpty ? nil : state }
        Self.apply(settlement.history, to: &session.stored.messages)
        if let key = settlement.idempotencyKey { session.idempotencyKeys[key] = settlement.position }
        sessions[settlement.session] = session
        if let turn = settlement.turn {
            close(turn, session: settlement.session, at: settlement.at)
        } else if settlement.dropsRuns {
            dropRuns(of: settlement.session, at: settlement.position)
            if let origin = settlement.origin { dropRuns(of: settlement.session, at: origin) }
        }
        for position in settlement.appliedAhead ?? [] { note(position.log) }
        noteSettled(settlement.position, fingerprint: settlement.fingerprint)
        return .written(revision: settlement.expectedRevision + 1)
    }

    private func refusal(of settlement: Settlement) -> WriteResult? {
        if let refusal = refusal(of: settlement.fence) { return refusal }
        let name = settlement.session
        guard settlement.fence.isOf(settlement.position.log) else { return Self.wrongPartition(name) }
        let session = sessions[name]
        let revision = session?.stored.revision ?? 0
        guard revision == settlement.expectedRevision else {
            return Self.wrongRevision(name, expected: settlement.expectedRevision, found: revision)
        }
        if let refusal = refusal(of: settlement.position, session: name) { return refusal }
        if let key = settlement.idempotencyKey, session?.idempotencyKeys[key] != nil {
            return .conflict(reason: "the idempotency key was used in session \(name) before")
        }
        let kept = min(settlement.history.keep, session?.stored.messages.count ?? 0)
        if kept < 0 || settlement.history.replace.contains(where: { !(0..<kept).contains($0.index) }) {
            return .conflict(reason: "the history of session \(name) has no such messages to keep or replace")
        }
        return settlement.turn.flatMap { refusal(of: $0, session: name) }
    }

    /// Why the session cannot have this position, if it cannot.
    private func refusal(of position: LogPosition, session: String) -> WriteResult? {
        let settled = sessions[session]?.stored.positions.first { $0.log == position.log }?.offset
        guard let settled, settled > position.offset else { return nil }
        return .conflict(
            reason: "session \(session) is settled up to offset \(settled), beyond \(position.offset)")
    }

    mutating func forward(_ forwarding: Forwarding) -> WriteResult {
        let (name, position) = (forwarding.session, forwarding.position)
        if let refusal = refusal(of: forwarding.fence) { return refusal }
        guard forwarding.fence.isOf(position.log) else { return Self.wrongPartition(name) }
        if let refusal = refusal(of: position, session: name) { return refusal }
        let before = LogPosition(log: position.log, offset: position.offset - 1)
        var session =
            sessions[name]
            ?? Session(
                stored: StoredSession(
                    id: name, createdAt: forwarding.at, updatedAt: forwarding.at, positions: [before]))
        session.stored.forwarded = forwarding.request
        if let key = forwarding.idempotencyKey, session.idempotencyKeys[key] == nil {
            session.idempotencyKeys[key] = position
        }
        note(position.log)
        if forwarding.request.offset != nil {
            // The position of the last settlement stays the first.
            let place = session.stored.positions.firstIndex { $0.log == position.log }
            if let place {
                session.stored.positions[place] = position
            } else {
                session.stored.positions.append(position)
            }
            noteSettled(position, fingerprint: forwarding.fingerprint)
        }
        sessions[name] = session
        return .written(revision: session.stored.revision)
    }

    private static func apply(_ change: HistoryChange, to messages: inout [StoredMessage]) {
        if change.keep < messages.count { messages.removeLast(messages.count - change.keep) }
        for (index, message) in change.replace { messages[index] = message }
        messages += change.append
    }
}
