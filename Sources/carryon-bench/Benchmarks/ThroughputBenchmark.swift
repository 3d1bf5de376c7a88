import SessionStore

/// Turns per second with a model that takes no time, and where the CPU goes.
struct ThroughputBenchmark: Benchmark {
    let name = "throughput"
    let summary = "turns a second: no model latency, 64-word answers, 64 sessions at once, everything durable"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        var figures = try await Baseline(setting).measure()
        for hosts in setting.hostCounts {
            figures += try await measure(setting, hosts: hosts, sendsAhead: false)
        }
        figures += try await measure(setting, hosts: setting.hostCounts[0], sendsAhead: true)
        return figures
    }

    private func measure(
        _ setting: BenchmarkSetting, hosts: Int, sendsAhead: Bool
    ) async throws -> [Measurement] {
        let variant = "\(hosts) hosts\(sendsAhead ? ", sent ahead" : "")"
        Progress.say("throughput, \(variant)")
        // The bound is the same either way: the sender's, or the worker's.
        let settings = sendsAhead ? ["CONCURRENCY": "\(64 / max(hosts, 1))"] : [:]
        return try await onStage(setting) { stage in
            try await stage.withWorker(hosts: hosts, settings) { worker in
                try await measure(setting, stage, worker, variant: variant, sendsAhead: sendsAhead)
            }
        }
    }

    private func measure(
        _ setting: BenchmarkSetting, _ stage: Stage, _ worker: WorkerUnderTest, variant: String, sendsAhead: Bool
    ) async throws -> [Measurement] {
        let warmUp = ConversationLoad.Shape(prefix: "warm", sessions: 64, turns: 5, atOnce: 64)
        _ = try await ConversationLoad(warmUp, on: stage).run(upTo: .seconds(60))
        let shape = ConversationLoad.Shape(
            prefix: "session", sessions: setting.isQuick ? 64 : setting.sessions, turns: setting.isQuick ? 5 : 25,
            atOnce: 64,
            sendsAhead: sendsAhead)
        let before = UsageSnapshot(workers: [worker.processID])
        let outcome = try await ConversationLoad(shape, on: stage).run()
        let after = UsageSnapshot(workers: [worker.processID])

        let turns = Double(shape.totalTurns)
        let seconds = outcome.elapsed.inSeconds
        let cpu = after.cpu(since: before)
        let total = cpu.values.reduce(0, +)
        var figures = [
            Measurement(variant, "turns", turns / seconds, "/s", "aim 5,000; the best peer 756"),
            Measurement(
                variant, "CPU per turn", total / turns * 1e6, "µs",
                "all processes; at most 400 for 5,000 turns/s on 2 cores"),
            Measurement(variant, "cores busy", total / seconds, "", ""),
            Measurement(variant, "peak memory", Double(after.peakBytes) / 1e6, "MB", "worker and hosts"),
            Measurement(variant, "disk writes per turn", Double(after.diskBytes(since: before)) / turns, "bytes"),
        ]
        if !sendsAhead {
            figures.append(
                Measurement(
                    variant, "turn, median", outcome.latencies.median, "ms",
                    "sent to complete; 99 %: \(Int(outcome.latencies.quantile(0.99))) ms"))
            figures.append(
                Measurement(variant, "  sent to begun", outcome.beginning.mean, "ms", "mean; the run is on record"))
            figures.append(
                Measurement(variant, "  begun to settled", outcome.settling.mean, "ms", "mean; events and checkpoint"))
            figures.append(
                Measurement(
                    variant, "  settled to seen",
                    outcome.latencies.mean - outcome.beginning.mean - outcome.settling.mean,
                    "ms", "mean; the last event at the reader"))
        }
        for part in UsageSnapshot.Part.allCases {
            guard let seconds = cpu[part] else { continue }
            figures.append(Measurement(variant, "CPU of \(part.rawValue)", seconds / turns * 1e6, "µs/turn"))
        }
        for thread in after.threads(since: before) where thread.cpu / total >= 0.02 {
            figures.append(
                Measurement(
                    variant, "  \(thread.part) thread \(thread.name)", thread.cpu / turns * 1e6, "µs/turn",
                    "\(Int((thread.cpu / total * 100).rounded())) %"))
        }
        return figures
    }
}
