import Kafka
import Synchronization

/// Many answers that stream at the same time, each slowly.
struct StreamingBenchmark: Benchmark {
    let name = "streaming"
    let summary = "2,000 sessions at once, 20 chunks each, 100 ms apart: against the ideal 2 s"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        var figures: [Measurement] = []
        for hosts in setting.hostCounts.filter({ $0 > 0 }).prefix(2) {
            figures += try await onStage(setting) { stage in
                try await stage.withWorker(hosts: hosts) { worker in
                    try await measure(setting, stage, worker, variant: "\(hosts) hosts")
                }
            }
        }
        return figures
    }

    private struct Counts {
        var chunks = 0
        var ended = 0
    }

    private func measure(
        _ setting: BenchmarkSetting, _ stage: Stage, _ worker: WorkerUnderTest, variant: String
    ) async throws -> [Measurement] {
        Progress.say("streaming, \(variant)")
        let sessions = setting.isQuick ? 200 : 2000
        _ = try await ConversationLoad(
            ConversationLoad.Shape(prefix: "warm", sessions: 64, turns: 5, atOnce: 64), on: stage
        ).run(upTo: .seconds(60))
        let counts = Mutex(Counts())
        let end = Milestone()
        stage.events.listen { records in
            let isOver = counts.withLock { counts in
                for record in records {
                    if record.endsTurn { counts.ended += 1 } else if !record.isControl { counts.chunks += 1 }
                }
                return counts.ended == sessions
            }
            if isOver { end.reach() }
        }
        let before = UsageSnapshot(workers: [worker.processID])
        let text = Question.stream(words: 20, every: "100ms")
        let start = ContinuousClock.now
        for session in 0..<sessions {
            stage.producer.produce(
                Question.record(session: "stream-\(session)", partition: session % Stage.partitions, text: text))
        }
        let watch = Task {
            var most = 0
            while !Task.isCancelled {
                most = max(most, UsageSnapshot(workers: [worker.processID]).residentBytes)
                try? await Task.sleep(for: .milliseconds(200))
            }
            return most
        }
        try await end.wait(upTo: .seconds(120), for: "the streams")
        let seconds = (ContinuousClock.now - start).inSeconds
        watch.cancel()
        let most = await watch.value
        let after = UsageSnapshot(workers: [worker.processID])
        stage.events.listen(nil)
        let cpu = after.cpu(since: before).values.reduce(0, +)
        return [
            Measurement(variant, "wall time", seconds, "s", "ideal 2; aim 2.2; the best peer 12"),
            Measurement(variant, "chunks written", Double(counts.withLock { $0.chunks }), ""),
            Measurement(
                variant, "memory per streaming session", Double(most - before.residentBytes) / Double(sessions) / 1024,
                "KB", "growth of worker and hosts"),
            Measurement(variant, "cores busy", cpu / seconds, ""),
        ]
    }
}
