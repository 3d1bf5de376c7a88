import Foundation
import Kafka
import Synchronization

/// Many conversations, some of them at once: each session's next message is sent when its last turn was seen to be complete.
final class ConversationLoad: Sendable {
    struct Shape: Sendable {
        /// In front of the sessions' numbers.
        var prefix: String
        var sessions: Int
        var turns: Int
        /// Sessions whose answer is awaited at any time.
        var atOnce: Int
        var wordsPerAnswer = 64
        /// Sends everything at once; what holds it back is the worker's own bound.
        var sendsAhead = false

        var totalTurns: Int { sessions * turns }
    }

    struct Outcome: Sendable {
        var elapsed: Duration
        /// From a message's sending to its turn's end at the reader, in milliseconds.
        var latencies: Statistics
        /// Of it, until the turn's beginning was durable and its first event handed to the broker.
        var beginning: Statistics
        /// From there until the turn was settled and its last event handed to the broker.
        var settling: Statistics
    }

    private struct State {
        var sent: [Int] = []
        var sentAt: [ContinuousClock.Instant] = []
        var nextSession = 0
        var completed = 0
        var latencies: [Double] = []
        /// By session: when its present turn's message was sent and its first event made, in milliseconds since 1970.
        var sentTime: [Int64] = []
        var begunTime: [Int64] = []
        var beginnings: [Double] = []
        var settlings: [Double] = []
    }

    private let shape: Shape
    private let stage: Stage
    private let state = Mutex(State())
    private let end = Milestone()

    init(_ shape: Shape, on stage: Stage) {
        self.shape = shape
        self.stage = stage
        state.withLock { state in
            state.sent = Array(repeating: 0, count: shape.sessions)
            state.sentAt = Array(repeating: .now, count: shape.sessions)
            state.sentTime = Array(repeating: 0, count: shape.sessions)
            state.begunTime = Array(repeating: 0, count: shape.sessions)
            state.latencies.reserveCapacity(shape.totalTurns)
        }
    }

    /// How many turns are over.
    var completed: Int { state.withLock { $0.completed } }

    /// Plays all conversations to their ends.
    func run(upTo limit: Duration = .seconds(600)) async throws -> Outcome {
        stage.events.listen { [weak self] in self?.heard($0) }
        defer { stage.events.listen(nil) }
        let start = ContinuousClock.now
        if shape.sendsAhead {
            for _ in 0..<shape.turns {
                for session in 0..<shape.sessions { send(session) }
            }
        } else {
            for _ in 0..<min(shape.atOnce, shape.sessions) { beginSession() }
        }
        try await end.wait(upTo: limit, for: "the load of \(shape.totalTurns) turns")
        let elapsed = ContinuousClock.now - start
        return state.withLock { state in
            Outcome(
                elapsed: elapsed, latencies: Statistics(state.latencies), beginning: Statistics(state.beginnings),
                settling: Statistics(state.settlings))
        }
    }

    private func beginSession() {
        let session = state.withLock { state -> Int? in
            guard state.nextSession < shape.sessions else { return nil }
            defer { state.nextSession += 1 }
            return state.nextSession
        }
        if let session { send(session) }
    }

    private func send(_ session: Int) {
        let turn = state.withLock { state in
            defer {
                state.sent[session] += 1
                state.sentAt[session] = .now
                state.sentTime[session] = Self.time()
            }
            return state.sent[session]
        }
        let text = Question.script(words: shape.wordsPerAnswer, seed: session &* 7919 &+ turn)
        stage.producer.produce(
            Question.record(session: "\(shape.prefix)-\(session)", partition: session % Stage.partitions, text: text))
    }

    private func heard(_ records: [KafkaRecord]) {
        for record in records where record.isControl {
            guard let session = number(of: record) else { continue }
            guard record.endsTurn else {
                state.withLock { $0.begunTime[session] = record.timestamp }
                continue
            }
            let (isOver, hasMore) = state.withLock { state in
                state.completed += 1
                state.beginnings.append(Double(state.begunTime[session] - state.sentTime[session]))
                state.settlings.append(Double(record.timestamp - state.begunTime[session]))
                state.latencies.append((ContinuousClock.now - state.sentAt[session]).inMilliseconds)
                return (state.completed == shape.totalTurns, state.sent[session] < shape.turns)
            }
            if isOver { return end.reach() }
            if shape.sendsAhead { continue }
            if hasMore { send(session) } else { beginSession() }
        }
    }

    private static func time() -> Int64 {
        Int64(Date().timeIntervalSince1970 * 1000)
    }

    private func number(of record: KafkaRecord) -> Int? {
        guard let key = record.key, key.starts(with: shape.prefix.utf8) else { return nil }
        return Int(String(decoding: key.dropFirst(shape.prefix.utf8.count + 1), as: UTF8.self))
            .flatMap { $0 < shape.sessions ? $0 : nil }
    }
}
