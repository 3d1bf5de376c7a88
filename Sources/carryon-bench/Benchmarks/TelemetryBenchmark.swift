/// What telemetry takes from the turns: without any, with counting, and with everything sent to a collector.
struct TelemetryBenchmark: Benchmark {
    let name = "telemetry"
    let summary =
        "throughput and CPU per turn without telemetry, with counting, with OTLP; what one span costs its caller"

    private enum Variant: String, CaseIterable {
        case off = "no telemetry"
        case counting = "counting"
        case unsampled = "counting, OTLP, no trace sampled"
        case export = "counting, OTLP, all traces"

        func settings(_ collector: DiscardingCollector) -> [String: String] {
            switch self {
            case .off: ["METRICS": "0"]
            case .counting: ["METRICS": "1"]
            case .unsampled: ["METRICS": "1", "OTLP_ENDPOINT": collector.url, "TRACE_SAMPLE_PERCENT": "0"]
            case .export: ["METRICS": "1", "OTLP_ENDPOINT": collector.url]
            }
        }
    }

    /// Two workers on the same machine at the same time: what it does besides, it does to both.
    private struct Pair {
        /// Of the worker without telemetry, and of the one with the variant.
        var base: Side
        var own: Side
        /// Seconds of the collector's CPU per turn.
        var collector: Double
    }

    private struct Side {
        /// Per second.
        var turns: Double
        /// Seconds of worker and hosts per turn.
        var cpu: Double
    }

    /// A worker with its load, from whose warming up to the end of the measurement.
    private struct Running {
        let worker: WorkerUnderTest
        let load: ConversationLoad
        let usage: UsageSnapshot

        func side(_ elapsed: Duration) -> Side {
            let turns = Double(load.completed)
            let now = UsageSnapshot(workers: [worker.processID])
            return Side(turns: turns / elapsed.inSeconds, cpu: now.workerThreadSeconds(since: usage) / turns)
        }
    }

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        // Without any round, only what a call costs.
        guard setting.rounds > 0 else { return try await CallerCost.measure(isQuick: setting.isQuick) }
        let collector = try DiscardingCollector.start()
        defer { collector.stop() }
        var pairs: [Variant: [Pair]] = [:]
        for number in 0..<setting.rounds {
            for variant in Variant.allCases {
                Progress.say("telemetry, round \(number + 1) of \(setting.rounds), \(variant.rawValue)")
                pairs[variant, default: []].append(try await measure(variant, setting, collector))
            }
        }
        return Self.figures(pairs) + (try await CallerCost.measure(isQuick: setting.isQuick))
    }

    private func measure(
        _ variant: Variant, _ setting: BenchmarkSetting, _ collector: DiscardingCollector
    ) async throws -> Pair {
        try await onStage(setting) { first in
            try await onStage(setting) { second in
                try await first.withWorker(hosts: setting.hostCounts[0], Variant.off.settings(collector)) { base in
                    try await second.withWorker(hosts: setting.hostCounts[0], variant.settings(collector)) { own in
                        try await measure((first, base), (second, own), setting, collector)
                    }
                }
            }
        }
    }

    private func measure(
        _ base: (stage: Stage, worker: WorkerUnderTest), _ own: (stage: Stage, worker: WorkerUnderTest),
        _ setting: BenchmarkSetting, _ collector: DiscardingCollector
    ) async throws -> Pair {
        let warmUp = ConversationLoad.Shape(prefix: "warm", sessions: 64, turns: 10, atOnce: 64)
        async let warm = ConversationLoad(warmUp, on: base.stage).run(upTo: .seconds(60))
        _ = try await ConversationLoad(warmUp, on: own.stage).run(upTo: .seconds(60))
        _ = try await warm
        let shape = ConversationLoad.Shape(
            prefix: "session", sessions: setting.isQuick ? 64 : setting.sessions, turns: setting.isQuick ? 5 : 25,
            atOnce: 64)
        let running = [base, own].map { side in
            Running(
                worker: side.worker, load: ConversationLoad(shape, on: side.stage),
                usage: UsageSnapshot(workers: [side.worker.processID]))
        }
        let before = ProcessUsage(collector.processID)?.threadSeconds ?? 0
        let start = ContinuousClock.now
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for side in running { group.addTask { _ = try await side.load.run() } }
            // Until the first is done: the other would have the machine for itself from then on.
            try await group.next()
            let elapsed = ContinuousClock.now - start
            let sides = running.map { $0.side(elapsed) }
            let spent = (ProcessUsage(collector.processID)?.threadSeconds ?? 0) - before
            try await group.waitForAll()
            return Pair(base: sides[0], own: sides[1], collector: spent / (sides[1].turns * elapsed.inSeconds))
        }
    }

    /// Medians, and those of the ratios within the pairs.
    private static func figures(_ pairs: [Variant: [Pair]]) -> [Measurement] {
        Variant.allCases.flatMap { variant -> [Measurement] in
            let all = pairs[variant] ?? []
            let speeds = Statistics(all.map { $0.own.turns / $0.base.turns })
            let costs = Statistics(all.map { $0.own.cpu / $0.base.cpu })
            let cpu = Statistics(all.map { $0.own.cpu * 1e6 })
            let aim = variant == .off ? "what the two differ by anyway" : "aim 1.05"
            let collector = Statistics(all.map { $0.collector * 1e6 })
            return [
                Measurement(
                    variant.rawValue, "turns, ratio", speeds.median, "",
                    "to another worker without, at the same time; \(span(speeds))"),
                Measurement(variant.rawValue, "CPU per turn, ratio", costs.median, "", "\(aim); \(span(costs))"),
                Measurement(variant.rawValue, "CPU per turn", cpu.median, "µs", "worker and hosts"),
                Measurement(variant.rawValue, "CPU of the collector", collector.median, "µs/turn", "not in the others"),
            ]
        }
    }

    private static func span(_ statistics: Statistics) -> String {
        let (low, high) = (statistics.quantile(0), statistics.worst)
        return "\((low * 1000).rounded() / 1000) to \((high * 1000).rounded() / 1000)"
    }
}
