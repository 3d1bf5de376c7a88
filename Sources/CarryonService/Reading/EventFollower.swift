import Conversation
import Kafka
import Logging

/// Follows one session's events, as a reader has them: the reader's rule applied, each event once.
struct EventFollower: Sendable {
    /// What a reader is told.
    enum Reading: Sendable {
        case event(Event, partition: Int32)
        /// What lower runs wrote of `turn` from this seq on did not happen.
        case forget(from: Int64, turn: Int)
    }

    let session: String
    let topic: String
    let properties: KafkaProperties
    let logger: Logger

    /// Reads from the events topic's beginning, and goes on until `body` says otherwise or the task is cancelled.
    ///
    /// What the topic holds at the start is told at once, as a reader has it then: what was taken back by that time is
    /// not told.
    /// - Parameters:
    ///   - seq: only events after this one are told.
    ///   - onNothing: called when the topic has been read to its end, and has nothing of the session.
    ///   - body: gets what a batch of records amounts to; it may be nothing.
    /// - Throws: `KafkaError` if the broker can't be read from.
    func follow(
        after seq: Int64 = 0, onNothing: @Sendable () -> Void = {},
        _ body: @Sendable ([Reading]) async throws -> ReadDecision
    ) async throws {
        let admin = try KafkaAdmin(properties, logger: logger)
        let partitions = try await admin.topics([topic])[topic] ?? 0
        await admin.close()
        guard partitions > 0 else { throw CommandFailure(.unavailable, "there is no topic \(topic)") }
        let reader = try KafkaReader(properties, logger: logger)
        var start: [TopicPartition: StartOffset] = [:]
        for partition in 0..<Int32(partitions) {
            start[TopicPartition(topic: topic, partition: partition)] = .beginning
        }
        let key = Array(session.utf8)
        var rule = ReaderRule()
        do {
            var past: [Reading] = []
            let reached = try await reader.read(from: start, untilEnd: true) { records in
                for record in records where record.key == key { Self.read(record, &rule, after: seq, into: &past) }
                return .proceed
            }
            if rule.position == 0 { onNothing() }
            let isOver = past.isEmpty ? false : try await body(past) == .stop
            if !isOver {
                _ = try await reader.read(from: reached.mapValues { .at($0) }, untilEnd: false) { records in
                    var readings: [Reading] = []
                    for record in records where record.key == key {
                        Self.read(record, &rule, after: seq, into: &readings)
                    }
                    return readings.isEmpty ? .proceed : try await body(readings)
                }
            }
        } catch {
            await reader.close()
            throw error
        }
        await reader.close()
    }

    private static func read(
        _ record: KafkaRecord, _ rule: inout ReaderRule, after seq: Int64, into readings: inout [Reading]
    ) {
        // Somebody else's record under our key is none of the session's events.
        guard
            let event = try? Event(
                key: record.key, value: record.value, headers: record.headers.map { ($0.name, $0.value) })
        else { return }
        switch rule.admit(event.head) {
        case .drop: return
        case .accept: break
        case .acceptForgetting(let from, let turn):
            readings.removeAll { if case .event(let event, _) = $0 { event.seq >= from } else { false } }
            readings.append(.forget(from: from, turn: turn))
        }
        if event.seq > seq { readings.append(.event(event, partition: record.partition)) }
    }
}
