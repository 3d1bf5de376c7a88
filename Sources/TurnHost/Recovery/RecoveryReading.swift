import Conversation
import Kafka
import Logging
import SessionStore
import Synchronization
import Tracing

/// Reads what dead runs left in the events: once per assignment for all sessions that need it, not once for each.
final class RecoveryReading: Sendable {
    private struct Wanted: Sendable {
        var turn: Int
        var run: Int
        var firstSeq: Int64
        var eventsStart: Int64
    }

    private struct Found: Sendable {
        var answer: DeadAnswer
        /// The last run that had begun when the events were read.
        var run: Int
    }

    /// What one reading found, until it is asked for.
    private final class Shelf: Sendable {
        private let found = Mutex<(answers: [String: Found], bytes: Int)>(([:], 0))

        init(_ wanted: [String: Wanted]) {
            found.withLock { found in
                found.answers = wanted.mapValues {
                    Found(answer: DeadAnswer(turn: $0.turn, firstSeq: $0.firstSeq), run: $0.run)
                }
            }
        }

        var count: Int { found.withLock { $0.answers.count } }

        func take(_ records: [KafkaRecord]) {
            found.withLock { found in
                for record in records {
                    guard let session = record.keyString, let before = found.answers[session]?.answer.bytes,
                        let value = record.value,
                        let headers = try? EventHeaders(
                            key: record.key, headers: record.headers.map { (name: $0.name, value: $0.value) })
                    else { continue }
                    found.answers[session]?.answer.take(headers, value: value)
                    if found.bytes > RecoveryReading.largest { found.answers[session]?.answer.giveUp() }
                    found.bytes += (found.answers[session]?.answer.bytes ?? before) - before
                }
            }
        }

        func remove(_ session: String) -> Found? {
            found.withLock { found in
                let removed = found.answers.removeValue(forKey: session)
                found.bytes -= removed?.answer.bytes ?? 0
                return removed
            }
        }
    }

    /// More than this is not held of all answers of a reading together: those that would exceed it are run again from
    /// their beginning. A worker that reads what killed its predecessor must not die of it.
    fileprivate static let largest = 128 * 1024 * 1024

    private let log: any EventLog
    private let sessions: @Sendable (Int64) -> Set<String>
    private let readings = Mutex<[Int64: Task<Shelf, any Error>]>([:])
    private let logger: Logger

    /// - Parameter sessions: the sessions of an assignment that have requests on this host.
    init(log: any EventLog, sessions: @escaping @Sendable (Int64) -> Set<String>, logger: Logger) {
        self.log = log
        self.sessions = sessions
        self.logger = logger
    }

    /// What the events say of the session's unsettled turn. Waits until the assignment has caught up.
    /// - Throws: whatever keeps the events or the store from being read; a later call tries again.
    func answer(for session: String, runs: [StoredRun], grant: Grant) async throws -> DeadAnswer {
        await grant.caughtUp.wait()
        let assignment = grant.partition.assignment
        let shared = readings.withLock { readings in
            if let reading = readings[assignment] { return reading }
            // It is of all the assignment's sessions.
            let reading = ServiceContext.withValue(nil) { Task { try await self.read(grant) } }
            readings[assignment] = reading
            return reading
        }
        let wanted = Self.wanted(runs)
        do {
            // Of a turn that was handed over, what was read has the runs of this side only.
            if let found = try await shared.value.remove(session), found.answer.turn == wanted.turn,
                found.run == wanted.run, found.answer.firstSeq == wanted.firstSeq
            {
                return found.answer
            }
        } catch {
            forget(assignment)
            throw error
        }
        // Begun and left after the assignment's own reading: one that comes this late is read for itself.
        return try await read([session: wanted], grant).remove(session)?.answer
            ?? DeadAnswer(turn: wanted.turn, firstSeq: wanted.firstSeq)
    }

    /// The assignment has ended.
    func forget(_ assignment: Int64) {
        let reading = readings.withLock { $0.removeValue(forKey: assignment) }
        reading?.cancel()
    }

    private func read(_ grant: Grant) async throws -> Shelf {
        let here = sessions(grant.partition.assignment)
        let open = try await grant.preparation.value.openRuns.filter { here.contains($0.key) }
        return try await read(open.mapValues(Self.wanted), grant)
    }

    private func read(_ wanted: [String: Wanted], _ grant: Grant) async throws -> Shelf {
        let shelf = Shelf(wanted)
        guard let start = wanted.values.map(\.eventsStart).min() else { return shelf }
        try await log.read(grant.log.partition, from: start) { shelf.take($0) }
        logger.info(
            "The events were read for turns that were begun and not settled.",
            metadata: [
                "partition": "\(grant.log.partition)", "from": "\(start)", "sessions": "\(shelf.count)",
            ])
        return shelf
    }

    private static func wanted(_ runs: [StoredRun]) -> Wanted {
        Wanted(
            turn: runs.last?.turn ?? 0, run: runs.last?.run ?? 0, firstSeq: runs.map(\.firstSeq).min() ?? 1,
            eventsStart: runs.map(\.eventsStart).min() ?? 0)
    }
}
