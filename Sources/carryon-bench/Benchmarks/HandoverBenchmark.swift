import Foundation
import Glibc
import Kafka
import Synchronization
import TestSupport

/// How long a reader waits while the workers of a group are replaced one after the other.
struct HandoverBenchmark: Benchmark {
    let name = "handover"
    let summary = "the pauses that readers see in a rolling restart of three workers, and after kill -9 of one of them"

    private static let sessions = 60

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        let server = try await PostgresServer.start()
        defer { server.kill() }
        var figures: [Measurement] = []
        for (variant, remark) in [("cooperative-sticky", "the default"), ("range", "")] {
            let assignor = ["KAFKA_PARTITION_ASSIGNMENT_STRATEGY": variant]
            figures += try await rolling(setting, server, assignor, "rolling restart, \(variant)", remark)
        }
        figures += try await killed(setting, server, isReplaced: true)
        figures += try await killed(setting, server, isReplaced: false)
        return figures
    }

    private func rolling(
        _ setting: BenchmarkSetting, _ server: PostgresServer, _ settings: [String: String], _ variant: String,
        _ remark: String
    ) async throws -> [Measurement] {
        Progress.say("handover, \(variant)")
        return try await onStage(setting, broker: .tansu, store: try await server.createDatabase()) { stage in
            try await stage.withWorkers(3, hosts: 1, settings) { workers in
                let watch = PauseWatch(sessions: Self.sessions)
                stage.events.listen { watch.heard($0) }
                send(to: stage, words: setting.isQuick ? 1_200 : 2_400)
                try await watch.streaming.wait(upTo: .seconds(60), for: "the answers' beginnings")
                watch.begin()
                var young: [WorkerUnderTest] = []
                for worker in workers {
                    // The next one is there before the old one goes, as in a deployment.
                    let next = try stage.startWorker(hosts: 1, settings.merging(["LOG_LEVEL": "info"]) { $1 })
                    young.append(next)
                    try await stage.untilAssigned(next, upTo: .seconds(90))
                    await worker.stop()
                    try await Task.sleep(for: .seconds(3))
                }
                try await watch.ended.wait(upTo: .seconds(300), for: "the answers' ends")
                stage.events.listen(nil)
                for worker in young { await worker.stop() }
                return watch.figures(variant, remark)
            }
        }
    }

    private func killed(
        _ setting: BenchmarkSetting, _ server: PostgresServer, isReplaced: Bool
    ) async throws -> [Measurement] {
        let variant = "kill -9 of one of three, \(isReplaced ? "started again at once" : "not started again")"
        Progress.say("handover, \(variant)")
        return try await onStage(setting, broker: .tansu, store: try await server.createDatabase()) { stage in
            try await stage.withWorkers(3, hosts: 1) { workers in
                let watch = PauseWatch(sessions: Self.sessions)
                stage.events.listen { watch.heard($0) }
                send(to: stage, words: 900)
                try await watch.streaming.wait(upTo: .seconds(60), for: "the answers' beginnings")
                watch.begin()
                workers[0].kill()
                let next = isReplaced ? try stage.startWorker(hosts: 1) : nil
                try await watch.ended.wait(upTo: .seconds(180), for: "the answers' ends")
                stage.events.listen(nil)
                await next?.stop()
                return watch.figures(variant, "session timeout 6 s")
            }
        }
    }

    private func send(to stage: Stage, words: Int) {
        for session in 0..<Self.sessions {
            stage.producer.produce(
                Question.record(
                    session: "session-\(session)", partition: session % Stage.partitions,
                    text: Question.stream(words: words, every: "50ms")))
        }
    }
}

/// The longest pause of each of some answers.
private final class PauseWatch: Sendable {
    private struct Answer {
        var last: ContinuousClock.Instant?
        var longest = Duration.zero
        var hasEnded = false
    }

    private struct State {
        var answers: [[UInt8]: Answer] = [:]
        var isMeasuring = false
    }

    let streaming = Milestone()
    let ended = Milestone()
    private let sessions: Int
    private let state = Mutex(State())

    init(sessions: Int) {
        self.sessions = sessions
    }

    func begin() {
        state.withLock { $0.isMeasuring = true }
    }

    func heard(_ records: [KafkaRecord]) {
        let now = ContinuousClock.now
        let (begun, over) = state.withLock { state in
            for record in records {
                guard let key = record.key else { continue }
                if record.endsTurn { state.answers[key]?.hasEnded = true }
                guard !record.isControl else { continue }
                var answer = state.answers[key] ?? Answer()
                if let last = answer.last, state.isMeasuring { answer.longest = max(answer.longest, now - last) }
                answer.last = now
                state.answers[key] = answer
            }
            return (state.answers.count, state.answers.values.count { $0.hasEnded })
        }
        if begun == sessions { streaming.reach() }
        if over == sessions { ended.reach() }
    }

    func figures(_ variant: String, _ remark: String) -> [Measurement] {
        let pauses = state.withLock { $0.answers.values.map(\.longest.inSeconds) }
        let interrupted = pauses.filter { $0 > 0.5 }
        return [
            Measurement(
                variant, "answers interrupted", Double(interrupted.count), "", "of \(pauses.count); over 0.5 s"),
            Measurement(variant, "their longest pause, median", Statistics(interrupted).median, "s", remark),
            Measurement(variant, "longest pause of all", Statistics(pauses).worst, "s"),
        ]
    }
}
