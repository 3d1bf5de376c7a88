import Kafka
import Synchronization

/// Ten thousand answers that stream at the same time for ten minutes: what each of them takes, and whether that grows.
struct SoakBenchmark: Benchmark {
    let name = "soak"
    let summary = "10,000 sessions streaming at once on one worker, for 10 minutes: memory, its growth, CPU per chunk"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        try await onStage(setting) { stage in
            let settings = ["CONCURRENCY": "20000", "MAX_IN_FLIGHT": "40000"]
            return try await stage.withWorker(hosts: 1, settings) { worker in
                try await measure(setting, stage, worker)
            }
        }
    }

    private struct Counts {
        var chunks = 0
        var begun = 0
        var ended = 0
    }

    private func measure(
        _ setting: BenchmarkSetting, _ stage: Stage, _ worker: WorkerUnderTest
    ) async throws -> [Measurement] {
        let sessions = setting.isQuick ? 1_000 : 10_000
        let minutes = setting.minutes
        let warmUp = ConversationLoad.Shape(prefix: "warm", sessions: 64, turns: 5, atOnce: 64)
        _ = try await ConversationLoad(warmUp, on: stage).run(upTo: .seconds(60))
        let counts = Mutex(Counts())
        let (begun, end) = (Milestone(), Milestone())
        stage.events.listen { records in
            let now = counts.withLock { counts in
                for record in records {
                    if record.endsTurn {
                        counts.ended += 1
                    } else if record.isControl {
                        counts.begun += 1
                    } else {
                        counts.chunks += 1
                    }
                }
                return counts
            }
            if now.begun >= sessions { begun.reach() }
            if now.ended >= sessions { end.reach() }
        }
        let idle = UsageSnapshot(workers: [worker.processID])
        // A word every other second, and long enough that all of them stream while it is measured.
        let words = (minutes * 60 + 60) / 2
        let text = Question.stream(words: words, every: "2s")
        for session in 0..<sessions {
            stage.producer.produce(
                Question.record(session: "soak-\(session)", partition: session % Stage.partitions, text: text))
        }
        try await begun.wait(upTo: .seconds(120), for: "the beginning of \(sessions) streams")
        try await Task.sleep(for: .seconds(20))
        let first = UsageSnapshot(workers: [worker.processID])
        let chunksBefore = counts.withLock { $0.chunks }
        var samples: [Double] = [Double(first.residentBytes)]
        for minute in 1...minutes {
            try await Task.sleep(for: .seconds(minute == minutes ? 50 : 60))
            let bytes = UsageSnapshot(workers: [worker.processID]).residentBytes
            samples.append(Double(bytes))
            Progress.say("soak, minute \(minute) of \(minutes): \(bytes >> 20) MiB in worker and hosts")
        }
        let last = UsageSnapshot(workers: [worker.processID])
        let chunks = Double(counts.withLock { $0.chunks } - chunksBefore)
        try await end.wait(upTo: .seconds(180), for: "the end of the streams")
        stage.events.listen(nil)
        let cpu = last.cpu(since: first)
        let own = (cpu[.worker] ?? 0) + (cpu[.host] ?? 0)
        let variant = "\(sessions) sessions"
        return [
            Measurement(
                variant, "memory per streaming session",
                ((samples.max() ?? 0) - Double(idle.residentBytes)) / Double(sessions) / 1024, "KB",
                "worker and hosts, at their most; aim 40"),
            Measurement(
                variant, "growth", ((samples.last ?? 0) - (samples.first ?? 0)) / 1e6, "MB",
                "over \(minutes) min; at first \(Int((samples.first ?? 0) / 1e6)) MB"),
            Measurement(variant, "CPU per chunk", own / chunks * 1e6, "µs", "worker and hosts"),
            Measurement(variant, "chunks", chunks / (Double(minutes) * 60 - 10), "/s"),
        ]
    }
}
