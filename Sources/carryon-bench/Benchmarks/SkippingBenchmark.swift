import Conversation
import Kafka

/// How fast what was settled before is passed over when it comes again: to a worker, and in a replay.
struct SkippingBenchmark: Benchmark {
    let name = "skip"
    let summary = "redelivered requests that are settled already: the same log again, for another consumer group"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        try await onStage(setting) { stage in
            let shape = ConversationLoad.Shape(
                prefix: "settled", sessions: 1_000, turns: setting.isQuick ? 5 : 100, atOnce: 200, wordsPerAnswer: 1,
                sendsAhead: true)
            Progress.say("skip: settling \(shape.totalTurns) turns")
            try await stage.withWorker(hosts: 1) { _ in
                _ = try await ConversationLoad(shape, on: stage).run()
            }
            return try await measureWorker(stage, shape.totalTurns) + [try await measureReplay(stage, shape.totalTurns)]
        }
    }

    private func measureWorker(_ stage: Stage, _ requests: Int) async throws -> [Measurement] {
        Progress.say("skip: passing them over")
        let settings = ["GROUP_ID": "again", "LOG_LEVEL": "info"]
        return try await stage.withWorker(hosts: 1, settings) { worker in
            try await stage.untilAssigned(worker, upTo: .seconds(60))
            let before = UsageSnapshot(workers: [worker.processID])
            let start = ContinuousClock.now
            try await stage.untilCommitted(group: "again", upTo: .seconds(120))
            let seconds = (ContinuousClock.now - start).inSeconds
            let after = UsageSnapshot(workers: [worker.processID])
            let requests = Double(requests)
            let cpu = after.cpu(since: before).filter { $0.key != .bench }.values.reduce(0, +)
            return [
                Measurement("1 host", "requests passed over", requests / seconds, "/s", "from assignment to commit"),
                Measurement("1 host", "CPU per request", cpu / requests * 1e6, "µs", "worker and host"),
            ]
        }
    }

    private func measureReplay(_ stage: Stage, _ requests: Int) async throws -> Measurement {
        Progress.say("skip: passing them over in a replay")
        let printed = try await stage.run(
            ["replay", "resume", "--json", "--ignore-members"], ["GROUP_ID": "again"], within: 120)
        let rows = printed.split(separator: "\n").last.flatMap { try? JSON(parsing: Array($0.utf8)).arrayValue } ?? []
        let passed = rows.reduce(0) { $0 + ($1["passed"]?.int ?? 0) }
        guard passed == requests else {
            throw BenchmarkFailure("wrong_result", "\(passed) of \(requests) requests were passed over: \(printed)")
        }
        let seconds = rows.reduce(0) { $0 + ($1["seconds"]?.double ?? 0) }
        return Measurement(
            "replay resume", "requests passed over", Double(requests) / seconds, "/s", "one partition after the other")
    }
}
