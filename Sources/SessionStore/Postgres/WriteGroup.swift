/// The writes of one transaction: what has to be known of the database to judge them, and what they change in it.
///
/// Everything is asked in one round trip, for all writes at once, and written in another. First come the locks: on the
/// fences, so that whoever takes one waits for this group or is seen by it; on the sessions; and on the names of those
/// that have no row yet. What is read behind them cannot change before the commit, because a statement sees what was
/// committed before it began.
final class WriteGroup {
    private let writes: [SessionWrite]
    private let partitions: [FencedPartition]
    private var asked: [(question: Question, query: PostgresQuery)] = []
    /// The keys of the rows of `logs`. Such rows are never deleted, so that keys that were committed stay good.
    private(set) var logKeys: [LogIdentity: Int64]
    private(set) var settledSessions: [String] = []

    /// - Parameter writes: no two of them to the same session.
    init(_ writes: [SessionWrite], logKeys: [LogIdentity: Int64]) {
        self.writes = writes
        self.logKeys = logKeys
        // Always in the same order, so that two groups do not wait for each other.
        partitions = Set(writes.map { FencedPartition($0.fence) }).sorted {
            ($0.group, $0.cluster, $0.topic, $0.partition) < ($1.group, $1.cluster, $1.topic, $1.partition)
        }
        asked = Question.allCases.compactMap { question in
            let (statement, rows) = ask(question)
            return rows.isEmpty ? nil : (question, PostgresQuery(statement, rows: rows))
        }
    }

    private enum Question: CaseIterable {
        case fences, newSessions, sessions, latestRuns, turnRuns, runningRuns, takenKeys, logs
    }

    /// What goes out together with the transaction's beginning.
    var questions: [PostgresQuery] { asked.map(\.query) }

    private func ask(_ question: Question) -> (PostgresStatement, [[SQLValue]]) {
        switch question {
        case .fences:
            return (GroupStatements.fences, partitions.map(\.values))
        case .newSessions:
            return (GroupStatements.newSessions, writes.map { [.text($0.session)] })
        case .sessions:
            return (GroupStatements.sessions, writes.map { [.text($0.session)] })
        case .latestRuns:
            return (
                GroupStatements.latestRuns,
                rows { write in
                    guard case .begin(let begin) = write else { return nil }
                    return [.text(begin.session), .integer(begin.run.turn)]
                }
            )
        case .turnRuns:
            return (
                GroupStatements.turnRuns,
                rows { write in
                    guard case .settle(let settlement) = write, let turn = settlement.turn else { return nil }
                    return [.text(settlement.session), .integer(turn.turn), .integer(turn.run)]
                }
            )
        case .runningRuns:
            return (
                GroupStatements.runningRuns,
                rows { write in
                    switch write {
                    case .interrupt(let end): [.text(end.session), .integer(end.turn), .integer(end.run)]
                    case .intend(let intent): [.text(intent.session), .integer(intent.turn), .integer(intent.run)]
                    case .begin, .settle, .forward: nil
                    }
                }
            )
        case .takenKeys:
            return (
                GroupStatements.takenKeys,
                rows { write in
                    guard case .settle(let settlement) = write, let key = settlement.idempotencyKey else { return nil }
                    return [.text(settlement.session), .text(key)]
                }
            )
        case .logs:
            return (GroupStatements.logs, unknownLogs(writes).map(\.values))
        }
    }

    /// The rows that some of the writes make, each with the number of its write in front.
    private func rows(_ row: (SessionWrite) -> [SQLValue]?) -> [[SQLValue]] {
        writes.enumerated().compactMap { place, write in row(write).map { [.integer(place)] + $0 } }
    }

    private func unknownLogs(_ writes: [SessionWrite]) -> [LogIdentity] {
        let logs = writes.flatMap(\.logs)
        return Set(logs).filter { logKeys[$0] == nil }.sorted {
            ($0.cluster, $0.topic, $0.partition, $0.epoch) < ($1.cluster, $1.topic, $1.partition, $1.epoch)
        }
    }

    /// Judges every write by what was found.
    ///
    /// - Parameter found: what the ``questions`` returned.
    /// - Returns: each write's result, and what is to be written of those that pass.
    func decide(
        _ found: [PostgresRows], _ transaction: PostgresTransaction
    ) throws -> ([WriteResult], [PostgresQuery]) {
        settledSessions = []
        var facts = try facts(found)
        try addEarlierOffsets(to: &facts, transaction)
        let results = zip(writes, facts).map { write, facts in
            facts.refusal(of: write)
                ?? .written(revision: (facts.row?.revision ?? 0) + (write.isRevision ? 1 : 0))
        }
        let passed = writes.indices.filter { if case .written = results[$0] { true } else { false } }
        try makeLogs(unknownLogs(passed.map { writes[$0] }), transaction)
        var effects = GroupEffects(logKeys: logKeys)
        for place in passed { try effects.add(writes[place], facts[place]) }
        settledSessions = passed.filter { writes[$0].isSettlement }.map { writes[$0].session }
        return (results, effects.queries)
    }

    private func facts(_ found: [PostgresRows]) throws -> [SessionFacts] {
        var facts = writes.map { _ in SessionFacts() }
        var tokens: [FencedPartition: Int64] = [:]
        for (question, rows) in zip(asked.map(\.question), found) {
            switch question {
            case .fences:
                for (nth, token) in rows.map({ ($0.integer(0), $0.integer(1)) }) {
                    tokens[partitions[Int(nth) - 1]] = token
                }
            case .newSessions:
                for (nth, key) in rows.map({ ($0.integer(0), $0.integer(1)) }) { facts[Int(nth) - 1].newKey = key }
            case .sessions:
                for (nth, row) in try rows.map({ ($0.integer(0), try SessionFacts.Row($0)) }) {
                    facts[Int(nth) - 1].row = row
                }
            case .latestRuns:
                for (place, run) in try rows.map({ ($0.integer(0), try $0.int(1)) }) {
                    facts[Int(place)].latestRun = run
                }
            case .turnRuns:
                for (place, run) in try rows.map({ ($0.integer(0), try SessionFacts.TurnRun($0)) }) {
                    facts[Int(place)].turnRuns.append(run)
                }
            case .runningRuns:
                for (place, run) in try rows.map({ ($0.integer(0), try SessionFacts.RunningRun($0)) }) {
                    facts[Int(place)].runningRun = run
                }
            case .takenKeys:
                for place in rows.map({ $0.integer(0) }) { facts[Int(place)].isKeyTaken = true }
            case .logs:
                noteLogs(unknownLogs(writes), rows)
            }
        }
        for (place, write) in writes.enumerated() {
            facts[place].token = tokens[FencedPartition(write.fence)] ?? 0
        }
        return facts
    }

    private func noteLogs(_ asked: [LogIdentity], _ rows: PostgresRows) {
        for (nth, key) in rows.map({ ($0.integer(0), $0.integer(1)) }) { logKeys[asked[Int(nth) - 1]] = key }
    }

    /// A session's offset in the log that it is in at the moment is in its row. Others are looked for only when the
    /// log changes.
    private func addEarlierOffsets(to facts: inout [SessionFacts], _ transaction: PostgresTransaction) throws {
        var rows: [[SQLValue]] = []
        for (place, write) in writes.enumerated() {
            guard let position = write.settledPosition, let row = facts[place].row, let log = logKeys[position.log]
            else { continue }
            if row.log == log {
                facts[place].settledOffset = row.offset
            } else {
                rows.append([.integer(place), .integer(row.key), .integer(log)])
            }
        }
        guard !rows.isEmpty else { return }
        let found = try transaction.ask([PostgresQuery(GroupStatements.earlierOffsets, rows: rows)])
        for (place, offset) in found.first?.map({ ($0.integer(0), $0.integer(1)) }) ?? [] {
            facts[Int(place)].settledOffset = offset
        }
    }

    private func makeLogs(_ logs: [LogIdentity], _ transaction: PostgresTransaction) throws {
        guard !logs.isEmpty else { return }
        let rows = logs.map(\.values)
        let found = try transaction.ask([
            PostgresQuery(GroupStatements.makeLogs, rows: rows), PostgresQuery(GroupStatements.logs, rows: rows),
        ])
        if let found = found.last { noteLogs(logs, found) }
    }
}

extension SessionWrite {
    /// The logs that it names, which need a row before it can be written.
    var logs: [LogIdentity] {
        switch self {
        case .begin(let begin): [begin.run.position.log]
        case .settle(let settlement):
            [settlement.position.log] + (settlement.appliedAhead ?? []).map(\.log)
                + [settlement.origin?.log].compactMap(\.self)
        case .forward(let forwarding): [forwarding.position.log]
        case .interrupt, .intend: []
        }
    }

    /// Whether a request is settled by it.
    var isSettlement: Bool {
        switch self {
        case .settle: true
        case .forward(let forwarding): forwarding.request.offset != nil
        case .begin, .interrupt, .intend: false
        }
    }

    /// Whether the session gets a new revision by it.
    var isRevision: Bool {
        if case .settle = self { true } else { false }
    }

    /// The position of the request that it settles, or that is to be settled next.
    var settledPosition: LogPosition? {
        switch self {
        case .settle(let settlement): settlement.position
        case .forward(let forwarding): forwarding.position
        case .begin, .interrupt, .intend: nil
        }
    }
}
