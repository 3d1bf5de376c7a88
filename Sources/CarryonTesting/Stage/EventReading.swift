import Conversation
import Kafka

/// The session's events as a reader has them who follows the reader's rule, read on as the log grows.
struct EventReading: Sendable {
    private var rule = ReaderRule()
    private var nextOffset: Int64 = 0
    /// In the order of their `seq`.
    private(set) var events: [Event] = []
    private var byRequest: [Int64: [Event]] = [:]

    /// Reads what has come to the log since the last time.
    mutating func readOn(_ log: MemoryEventLog) {
        for record in log.records(MemoryEventLog.topic, from: nextOffset) {
            nextOffset = record.offset + 1
            // What is no event is nothing to a reader either.
            guard
                let event = try? Event(
                    key: record.key, value: record.value, headers: record.headers.map { ($0.name, $0.value) })
            else { continue }
            switch rule.admit(event.head) {
            case .drop: continue
            case .accept: break
            case .acceptForgetting(let from, _): forget(from: from)
            }
            events.append(event)
            if let offset = event.requestOffset { byRequest[offset, default: []].append(event) }
        }
    }

    /// The events of one request.
    func events(ofRequest offset: Int64) -> [Event] { byRequest[offset] ?? [] }

    private mutating func forget(from seq: Int64) {
        while let last = events.last, last.seq >= seq {
            events.removeLast()
            if let offset = last.requestOffset { byRequest[offset]?.removeAll { $0.seq == last.seq } }
        }
    }
}
