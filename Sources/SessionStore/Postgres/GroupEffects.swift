/// What the writes of a group change, gathered by statement: one statement does its part for all of them.
struct GroupEffects {
    private let logKeys: [LogIdentity: Int64]
    private var rows: [Effect: [[SQLValue]]] = [:]
    private var marks: [Int64: SettledMark] = [:]

    /// - Parameter logKeys: of every log that the writes name.
    init(logKeys: [LogIdentity: Int64]) {
        self.logKeys = logKeys
    }

    var queries: [PostgresQuery] {
        var rows = rows
        rows[.markLog] = marks.sorted { $0.key < $1.key }.map { log, mark in
            [.integer(log), .integer(mark.offset), .integer(mark.fingerprint)]
        }
        return Effect.allCases.compactMap { effect in
            guard let rows = rows[effect], !rows.isEmpty else { return nil }
            return PostgresQuery(effect.statement, rows: rows)
        }
    }

    mutating func add(_ write: SessionWrite, _ facts: SessionFacts) throws {
        switch write {
        case .begin(let begin): try add(begin)
        case .interrupt(let end):
            guard let run = facts.runningRun else { return }
            note(
                .interruptRun,
                [.integer(run.key), .text(end.cause), .text(end.kind.rawValue), .integer(end.at)])
        case .intend(let intent):
            guard let run = facts.runningRun else { return }
            let all = RunIntents.adding(intent.calls, to: run.intents)
            if all.count > run.intents.count {
                note(.recordIntents, [.integer(run.key), try RunIntents.value(of: all)])
            }
        case .settle(let settlement): try add(settlement, facts)
        case .forward(let forwarding): try add(forwarding, facts)
        }
    }

    private mutating func note(_ effect: Effect, _ row: [SQLValue]) {
        rows[effect, default: []].append(row)
    }

    private func key(of log: LogIdentity) throws -> Int64 {
        guard let key = logKeys[log] else {
            throw PostgresFailure.refused(state: "02000", message: "the log of \(log.topic) has no row")
        }
        return key
    }

    private mutating func add(_ begin: BeginRun) throws {
        let run = begin.run
        if let previous = begin.previousEnd {
            note(
                .endPreviousRun,
                [
                    .text(run.session), .integer(run.turn), .integer(previous.run), .text(previous.cause),
                    .text(previous.kind.rawValue), .integer(run.startedAt),
                ])
        }
        note(
            .beginRun,
            [
                .text(run.session), .integer(run.turn), .integer(run.run), .optional(run.region), .text(run.host),
                .text(run.requestID), .integer(try key(of: run.position.log)), .integer(run.position.offset),
                .integer(run.firstSeq), .integer(run.eventsStart), .integer(run.startedAt),
                try RunIntents.value(of: RunIntents.adding(run.intents, to: [])),
            ])
    }

    private mutating func add(_ settlement: Settlement, _ facts: SessionFacts) throws {
        let log = try key(of: settlement.position.log)
        let (row, offset) = (facts.row, settlement.position.offset)
        let session = row?.key ?? facts.newKey
        let kept = WriteRules.kept(settlement, existing: row?.messageCount ?? 0)
        try addRow(of: settlement, row, session: session, log: log, kept: kept)
        if let row, row.log != log {
            note(.keepPosition, [.integer(session), .integer(row.log), .integer(row.offset)])
            note(.dropPosition, [.integer(session), .integer(log)])
        }
        addHistory(settlement.history, session: session, kept: kept, existing: row?.messageCount ?? 0)
        if let turn = settlement.turn, let run = facts.turnRuns.first {
            close(run, turn: turn, session: settlement.session, at: settlement.at)
        } else if settlement.dropsRuns {
            note(.dropRuns, [.text(settlement.session), .integer(log), .integer(offset)])
            if let origin = settlement.origin {
                let log = try key(of: origin.log)
                note(.dropRuns, [.text(settlement.session), .integer(log), .integer(origin.offset)])
            }
        }
        if let state = settlement.state {
            note(state.isEmpty ? .dropState : .keepState, [.integer(session)] + (state.isEmpty ? [] : [.blob(state)]))
        }
        if let key = settlement.idempotencyKey {
            note(.keepKey, [.integer(session), .text(key), .integer(log), .integer(offset)])
        }
        noteSettled(log, offset, settlement.fingerprint)
    }

    private mutating func noteSettled(_ log: Int64, _ offset: Int64, _ fingerprint: Int64?) {
        guard let fingerprint, offset > marks[log]?.offset ?? .min else { return }
        marks[log] = SettledMark(offset: offset, fingerprint: fingerprint)
    }

    private mutating func add(_ forwarding: Forwarding, _ facts: SessionFacts) throws {
        let log = try key(of: forwarding.position.log)
        let (row, request, offset) = (facts.row, forwarding.request, forwarding.position.offset)
        let session = row?.key ?? facts.newKey
        let isCurrent = row.map { $0.log == log } ?? true
        let before = row?.offset ?? forwarding.positionBefore.offset
        if row == nil {
            let values: [SQLValue] = [
                .text(forwarding.session), .integer(0 as Int64), .integer(0 as Int64), .integer(1 as Int64),
                .integer(false), .integer(forwarding.at), .integer(0 as Int64), .integer(log), .integer(before),
                .text(""),
            ]
            note(.makeSession, values + Array(repeating: .null, count: 7) + [.integer(session)])
        }
        let isSettled = request.offset != nil
        note(
            .forwardRequest,
            [
                .text(forwarding.session), .integer(isCurrent && isSettled ? offset : before), .text(request.topic),
                .text(request.key), .optional(request.offset),
            ])
        if isSettled, !isCurrent { note(.keepPosition, [.integer(session), .integer(log), .integer(offset)]) }
        if let key = forwarding.idempotencyKey {
            note(.keepNewKey, [.integer(session), .text(key), .integer(log), .integer(offset)])
        }
        if isSettled { noteSettled(log, offset, forwarding.fingerprint) }
    }

    private mutating func addRow(
        of settlement: Settlement, _ row: SessionFacts.Row?, session: Int64, log: Int64, kept: Int
    ) throws {
        let ahead = try settlement.appliedAhead.map { try AppliedAhead.text(of: $0, key: key(of:)) }
        let values: [SQLValue] = [
            .text(settlement.session), .integer(settlement.expectedRevision + 1), .integer(settlement.turns),
            .integer(settlement.nextSeq), .integer(settlement.isClosed), .integer(settlement.at),
            .integer(kept + settlement.history.append.count), .integer(log), .integer(settlement.position.offset),
            .text(ahead ?? row?.appliedAhead ?? ""),
        ]
        let control = settlement.lastControl.map { control -> [SQLValue] in
            [
                .integer(control.seq), .optional(control.turn), .optional(control.run), .text(control.control),
                .text(control.requestID), .integer(control.requestOffset), .blob(control.body),
            ]
        }
        switch (row, control) {
        case (nil, let control):
            note(.makeSession, values + (control ?? Array(repeating: .null, count: 7)) + [.integer(session)])
        case (_?, let control?): note(.changeSessionAndControl, values + control)
        case (_?, nil): note(.changeSession, values)
        }
    }

    private mutating func addHistory(_ change: HistoryChange, session: Int64, kept: Int, existing: Int) {
        if kept < existing { note(.dropMessages, [.integer(session), .integer(kept)]) }
        // Of two new contents for one message the later one counts, and a statement changes a row only once.
        let replaced = Dictionary(change.replace.map { ($0.index, $0.message) }) { _, later in later }
        for (index, message) in replaced {
            note(.replaceMessage, Self.values(of: message, session: session, place: index))
        }
        for (offset, message) in change.append.enumerated() {
            note(.appendMessage, Self.values(of: message, session: session, place: kept + offset))
        }
    }

    private static func values(of message: StoredMessage, session: Int64, place: Int) -> [SQLValue] {
        [
            .integer(session), .integer(place), .text(message.id), .text(message.role), .integer(message.turn),
            .blob(message.body),
        ]
    }

    private mutating func close(_ run: SessionFacts.TurnRun, turn: TurnSettlement, session: String, at: Int64) {
        note(
            .closeRun,
            [
                .integer(run.key), .text(turn.status.rawValue), .integer(at), .text(turn.outcome),
                .optional(turn.finishReason), .optional(turn.usage), .optional(turn.error), .integer(turn.stopped),
            ])
        // A turn's first run has none before it.
        if run.run > 1 { note(.closeEarlierRuns, [.text(session), .integer(turn.turn), .integer(at)]) }
    }
}
