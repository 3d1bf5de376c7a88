import Conversation
import Kafka
import SessionStore

/// Finds what a session's readers need of the past: where on the events topic it begins, and, where the topic no longer
/// has it, what the store knows of it.
struct EventHistory: Sendable {
    let topic: String
    let reader: KafkaReader
    let store: any SessionStore

    /// Where the events of a turn begin.
    fileprivate struct Start {
        var partition: Int32
        var offset: StartOffset
        var turn: Int
        /// The first event's.
        var seq: Int64
    }

    /// Hands over the session's records from the begin of a turn to the topic's end.
    /// - Parameter seq: the turn is the one that what follows this belongs to; `nil` is the newest.
    /// - Returns: the last seq before what was handed over. What follows it is on the topic, or there is none.
    func replay(_ session: String, after seq: Int64?, _ take: ([KafkaRecord]) -> Void) async throws -> Int64 {
        guard let head = try await store.sessionHead(session) else { return 0 }
        guard let start = try await start(of: head, after: seq ?? .max) else { return max(0, head.nextSeq - 1) }
        let key = Array(session.utf8)
        var first: Int64?
        _ = try await reader.read(from: [start.place(topic): start.offset], untilEnd: true) { records in
            let own = records.filter { $0.key == key }
            if first == nil { first = own.lazy.compactMap { EventFrame($0)?.seq }.first }
            take(own)
            return .proceed
        }
        if let first { return first - 1 }
        // A turn that has just begun may have written nothing yet.
        return head.openRuns.isEmpty ? max(0, head.nextSeq - 1) : start.seq - 1
    }

    /// Tells one reader what the topic holds after `seq`, up to its end; what it no longer holds is told from the store.
    /// - Returns: the seq that the reader then has.
    func tell(
        _ session: String, after seq: Int64, _ body: ([Reading]) async throws -> Void
    ) async throws -> Int64 {
        guard let head = try await store.sessionHead(session) else { return seq }
        let start = try await start(of: head, after: seq)
        let place =
            start?.place(topic)
            ?? head.requestPositions.first.map {
                TopicPartition(topic: topic, partition: $0.log.partition)
            }
        var rule = ReaderRule(after: seq)
        var isFirst = true
        if let place {
            let key = Array(session.utf8)
            _ = try await reader.read(from: [place: start?.offset ?? .beginning], untilEnd: true) { records in
                var readings: [Reading] = []
                for frame in records.lazy.filter({ $0.key == key }).compactMap({ EventFrame($0) }) {
                    switch rule.admit(frame.head) {
                    case .drop: continue
                    case .accept: break
                    case .acceptForgetting(let from, _): readings.append(.forget(from: from))
                    }
                    if isFirst, frame.seq > seq + 1 {
                        let turns = (start?.turn ?? 0)...max(start?.turn ?? 0, frame.head.turn ?? .max)
                        readings.append(
                            try await transcript(session, from: seq + 1, to: frame.seq - 1, turns: turns))
                    }
                    isFirst = false
                    readings.append(.event(frame))
                }
                if !readings.isEmpty { try await body(readings) }
                return .proceed
            }
        }
        if isFirst, head.nextSeq - 1 > seq {
            try await body([
                try await transcript(session, from: seq + 1, to: head.nextSeq - 1, turns: (start?.turn ?? 0)...Int.max)
            ])
            return head.nextSeq - 1
        }
        return rule.position
    }

    private func transcript(
        _ session: String, from: Int64, to: Int64, turns: ClosedRange<Int>
    ) async throws -> Reading {
        let stored = try await store.messages(session: session, afterIndex: nil, limit: .max)
        let messages = try stored.filter { turns.contains($0.turn) }.map { try JSON(parsing: $0.body) }
        return .transcript(from: from, to: to, messages: messages)
    }

    /// The last turn that begins at or before what follows `seq`.
    /// - Returns: `nil` if there is none: what follows `seq` was written before the first turn, or there are no turns.
    private func start(of head: StoredSession, after seq: Int64) async throws -> Start? {
        let limit = seq == .max ? seq : seq + 1
        let last = head.openRuns.map(\.turn).min() ?? head.turns - 1
        guard last >= 0 else { return nil }
        // Most readers want the newest turn, or one close to it.
        var above = last + 1
        var step = 1
        var found: StoredRun?
        var candidate = last
        while true {
            if let run = try await firstRun(head.id, candidate), run.firstSeq <= limit {
                found = run
                break
            }
            guard candidate > 0 else { return nil }
            above = candidate
            candidate = max(0, candidate - step)
            step *= 2
        }
        guard var found else { return nil }
        while found.turn + 1 < above {
            let middle = found.turn + (above - found.turn) / 2
            if let run = try await firstRun(head.id, middle), run.firstSeq <= limit {
                found = run
            } else {
                above = middle
            }
        }
        let log = found.position.log
        // Offsets of an earlier log say nothing about this one.
        let isSameLog = head.requestPositions.first.map { $0.log == log } ?? true
        return Start(
            partition: log.partition,
            offset: isSameLog || !head.openRuns.isEmpty && found.turn == last ? .at(found.eventsStart) : .beginning,
            turn: found.turn, seq: found.firstSeq)
    }

    private func firstRun(_ session: String, _ turn: Int) async throws -> StoredRun? {
        try await store.run(StoredRun.id(session: session, turn: turn, run: 1))
    }
}

extension EventHistory.Start {
    fileprivate func place(_ topic: String) -> TopicPartition { TopicPartition(topic: topic, partition: partition) }
}
