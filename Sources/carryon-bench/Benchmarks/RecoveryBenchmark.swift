import Foundation
import Glibc
import Kafka
import Synchronization

/// How long a reader waits when the process that answers is killed.
struct RecoveryBenchmark: Benchmark {
    let name = "recovery"
    let summary = "from kill -9 in mid-answer to the next new chunk at the reader"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        // A worker whose hosts die one after another starts new ones ever more slowly, so it gets a few deaths only.
        var pauses: [Double] = []
        for _ in 0..<(setting.isQuick ? 1 : 5) { pauses += try await hostPauses(setting, times: 4) }
        var figures = [
            Measurement(
                "turn host", "pause, median", Statistics(pauses).median, "ms", "of \(pauses.count); aim under 500"),
            Measurement("turn host", "pause, worst", Statistics(pauses).worst, "ms"),
        ]
        var whole: [Double] = []
        for time in 1...(setting.isQuick ? 1 : 3) {
            Progress.say("recovery of a whole worker, \(time)")
            whole += try await workerPauses(setting)
        }
        figures += [
            Measurement(
                "whole worker", "pause, median", Statistics(whole).median / 1000, "s",
                "session timeout 6 s; the embedded broker's own part in it is 5 to 6 s more"),
            Measurement(
                "whole worker", "pause, worst", Statistics(whole).worst / 1000, "s", "of \(whole.count) answers"),
        ]
        return figures
    }

    private func hostPauses(_ setting: BenchmarkSetting, times: Int) async throws -> [Double] {
        try await onStage(setting) { stage in
            try await stage.withWorker(hosts: 1) { worker in
                try await warmUp(stage)
                var pauses: [Double] = []
                for time in 0..<times {
                    Progress.say("recovery of a turn host, \(time + 1)")
                    try await untilSpareIsWarm(worker)
                    let watch = AnswerWatch(sessions: ["host-\(time)"])
                    stage.events.listen { watch.heard($0) }
                    stage.producer.produce(
                        Question.record(
                            session: "host-\(time)", partition: time % Stage.partitions,
                            text: Question.stream(words: 300, every: "10ms")))
                    try await watch.streaming.wait(upTo: .seconds(30), for: "the answer's beginning")
                    let host = try await busiestHost(of: worker)
                    watch.noteKill()
                    _ = kill(host, SIGKILL)
                    try await watch.recovered.wait(upTo: .seconds(60), for: "the answer's going on")
                    try await watch.ended.wait(upTo: .seconds(60), for: "the answer's end")
                    pauses += watch.pauses
                }
                return pauses
            }
        }
    }

    /// Six answers, one in each partition, two workers; the elder dies.
    private func workerPauses(_ setting: BenchmarkSetting) async throws -> [Double] {
        try await onStage(setting) { stage in
            let settings = [
                "KAFKA_SESSION_TIMEOUT_MS": "6000", "KAFKA_HEARTBEAT_INTERVAL_MS": "500", "LOG_LEVEL": "info",
            ]
            return try await stage.withWorker(hosts: 1, settings) { elder in
                try await warmUp(stage)
                return try await stage.withWorker(hosts: 1, settings) { younger in
                    try await stage.untilAssigned(younger, upTo: .seconds(60))
                    let sessions = (0..<Stage.partitions).map { "worker-\($0)" }
                    let watch = AnswerWatch(sessions: sessions)
                    stage.events.listen { watch.heard($0) }
                    for (partition, session) in sessions.enumerated() {
                        stage.producer.produce(
                            Question.record(
                                session: session, partition: partition,
                                text: Question.stream(words: 1500, every: "20ms")))
                    }
                    try await watch.streaming.wait(upTo: .seconds(60), for: "the answers' beginnings")
                    watch.noteKill()
                    elder.kill()
                    try await watch.recovered.wait(upTo: .seconds(60), for: "the answers' going on")
                    return watch.pauses
                }
            }
        }
    }

    private func warmUp(_ stage: Stage) async throws {
        _ = try await ConversationLoad(
            ConversationLoad.Shape(prefix: "warm", sessions: 24, turns: 2, atOnce: 24), on: stage
        ).run(upTo: .seconds(60))
    }

    /// The host that answers, as opposed to the spare: neither their numbers nor their names tell.
    private func busiestHost(of worker: WorkerUnderTest) async throws -> Int32 {
        func seconds() -> [Int32: Double] {
            Dictionary(
                worker.hosts.compactMap { id in ProcessUsage(id).map { (id, $0.threadSeconds) } },
                uniquingKeysWith: { first, _ in first })
        }
        let before = seconds()
        try await Task.sleep(for: .milliseconds(200))
        let work = seconds().map { (id: $0.key, seconds: $0.value - (before[$0.key] ?? $0.value)) }
        guard let busiest = work.max(by: { $0.seconds < $1.seconds }) else {
            throw BenchmarkFailure("no_host", "the worker has no turn host")
        }
        return busiest.id
    }

    private func untilSpareIsWarm(_ worker: WorkerUnderTest) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while worker.hosts.count < 2 {
            guard ContinuousClock.now < deadline else {
                throw BenchmarkFailure("no_spare", "the worker has no spare turn host")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        // A process that is there is not yet one that has connected.
        try await Task.sleep(for: .milliseconds(700))
    }
}
