import Kafka

/// How fast what was settled before is passed over when it comes again.
struct SkippingBenchmark: Benchmark {
    let name = "skip"
    let summary = "redelivered requests that are settled already: the same log again, for another consumer group"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        try await onStage(setting) { stage in
            let shape = ConversationLoad.Shape(
                prefix: "settled", sessions: 200, turns: setting.isQuick ? 10 : 100, atOnce: 200, wordsPerAnswer: 1,
                sendsAhead: true)
            Progress.say("skip: settling \(shape.totalTurns) turns")
            try await stage.withWorker(hosts: 1) { _ in
                _ = try await ConversationLoad(shape, on: stage).run()
            }
            Progress.say("skip: passing them over")
            let settings = ["GROUP_ID": "again", "LOG_LEVEL": "info"]
            return try await stage.withWorker(hosts: 1, settings) { worker in
                try await stage.untilAssigned(worker, upTo: .seconds(60))
                let before = UsageSnapshot(workers: [worker.processID])
                let start = ContinuousClock.now
                try await stage.untilCommitted(group: "again", upTo: .seconds(120))
                let seconds = (ContinuousClock.now - start).inSeconds
                let after = UsageSnapshot(workers: [worker.processID])
                let requests = Double(shape.totalTurns)
                let cpu = after.cpu(since: before).filter { $0.key != .bench }.values.reduce(0, +)
                return [
                    Measurement(
                        "1 host", "requests passed over", requests / seconds, "/s", "from assignment to commit"),
                    Measurement("1 host", "CPU per request", cpu / requests * 1e6, "µs", "worker and host"),
                ]
            }
        }
    }
}
