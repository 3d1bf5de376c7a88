import Consumer
import Conversation
import Kafka
import SessionStore
import TurnHost

let requestsTopic = "chat.requests"

func partition(_ number: Int32) -> TopicPartition { TopicPartition(topic: requestsTopic, partition: number) }

func requestRecord(
    session: String, partition: Int32 = 0, offset: Int64, type: String = "message", text: String = "hello"
) -> KafkaRecord {
    let value = type == "message" ? #"{"type":"message","text":"\#(text)"}"# : #"{"type":"\#(type)"}"#
    return KafkaRecord(
        topic: requestsTopic, partition: partition, offset: offset, timestamp: offset, key: Array(session.utf8),
        value: Array(value.utf8))
}

extension ConsumerCore {
    static func forTests(
        slots: Int = 1, trialSlots: Int = 0,
        bounds: Backpressure.Bounds = .init(requests: 1_000, bytes: 1 << 20, span: 10_000)
    ) -> ConsumerCore {
        ConsumerCore(
            settings: .init(
                slots: slots, trialSlots: trialSlots, bounds: bounds, requestsPerSession: 500,
                commitInterval: .zero,
                commitRetryDelay: .zero,
                hostRetry: RetryDelay(jitter: 0), deadLetterRetry: RetryDelay(jitter: 0), seed: 1))
    }

    /// Assigns and grants a partition.
    mutating func own(_ number: Int32, from start: Int64 = 0, end: Int64 = 0, at now: ContinuousClock.Instant)
        -> [Action]
    {
        grant(number, assignment: assign(partition(number), at: now), from: start, end: end, at: now)
    }

    mutating func grant(
        _ number: Int32, assignment id: Int64, from start: Int64, end: Int64, at now: ContinuousClock.Instant
    ) -> [Action] {
        granted(
            partition(number), assignment: id,
            log: LogIdentity(cluster: "c", topic: requestsTopic, partition: number, epoch: 0),
            fence: Fence(group: "g", cluster: "c", topic: requestsTopic, partition: number, token: id), start: start,
            end: end, at: now)
    }

    mutating func receive(_ records: [KafkaRecord], at now: ContinuousClock.Instant) -> [Action] {
        let intake = RequestIntake(maximumBytes: 1_000)
        return received(records.map { Incoming(record: $0, verdict: intake.examine($0)) }, at: now)
    }
}

extension [ConsumerCore.Action] {
    var dispatches: [Dispatch] {
        flatMap { action in
            if case .send(_, .dispatch(let dispatches)) = action { dispatches } else { [Dispatch]() }
        }
    }

    func dispatches(to slot: Int) -> [Dispatch] {
        flatMap { action in
            if case .send(slot, .dispatch(let dispatches)) = action { dispatches } else { [Dispatch]() }
        }
    }

    var commits: [[TopicPartition: Int64]] {
        compactMap { if case .commit(let offsets) = $0 { offsets } else { nil } }
    }

    var commands: [HostCommand] {
        compactMap { if case .send(_, let command) = $0 { command } else { nil } }
    }

    var offsets: [Int64] { dispatches.map(\.record.offset) }
}
