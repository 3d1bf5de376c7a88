import Kafka
import Synchronization

/// Watches answers through the death of who gives them.
final class AnswerWatch: Sendable {
    private struct Answer {
        var chunks = 0
        /// When its first chunk of another run came.
        var wentOn: ContinuousClock.Instant?
        var isAlive = false
        var hasEnded = false
    }

    private struct State {
        var answers: [[UInt8]: Answer]
        var killedAt: ContinuousClock.Instant?
    }

    /// Every answer is under way.
    let streaming = Milestone()
    /// Every answer goes on: in another run, or because it never stopped.
    let recovered = Milestone()
    let ended = Milestone()
    private let state: Mutex<State>

    init(sessions: [String]) {
        let answers = sessions.map { (Array($0.utf8), Answer()) }
        state = Mutex(State(answers: Dictionary(answers, uniquingKeysWith: { first, _ in first })))
    }

    func noteKill() {
        state.withLock { $0.killedAt = .now }
    }

    /// From the kill to the next new chunk, in milliseconds, of the answers that were interrupted.
    var pauses: [Double] {
        state.withLock { state in
            state.answers.values.compactMap { answer in
                guard let wentOn = answer.wentOn, let killedAt = state.killedAt else { return nil }
                return (wentOn - killedAt).inMilliseconds
            }
        }
    }

    func heard(_ records: [KafkaRecord]) {
        let now = ContinuousClock.now
        let (isStreaming, isRecovered, hasEnded) = state.withLock { state in
            for record in records {
                guard let key = record.key, var answer = state.answers[key] else { continue }
                note(record, &answer, now, state.killedAt)
                state.answers[key] = answer
            }
            let answers = state.answers.values
            return (
                answers.allSatisfy { $0.chunks >= 12 },
                answers.allSatisfy { $0.wentOn != nil || $0.isAlive || $0.hasEnded },
                answers.allSatisfy(\.hasEnded)
            )
        }
        if isStreaming { streaming.reach() }
        if isRecovered { recovered.reach() }
        if hasEnded { ended.reach() }
    }

    private func note(
        _ record: KafkaRecord, _ answer: inout Answer, _ now: ContinuousClock.Instant,
        _ killedAt: ContinuousClock.Instant?
    ) {
        if record.endsTurn { answer.hasEnded = true }
        guard !record.isControl else { return }
        answer.chunks += 1
        guard let killedAt else { return }
        let run = record.headerString("run").flatMap { Int($0) } ?? 1
        if run > 1 {
            answer.wentOn = answer.wentOn ?? now
        } else if now - killedAt > .seconds(2) {
            // Two seconds after the kill, what still comes from a first run comes from a living one.
            answer.isAlive = true
        }
    }
}
