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

    private struct Round {
        var turns: Double
        /// Seconds of worker and hosts, and of the collector.
        var cpu: Double
        var collector: Double
    }

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        // Without any round, only what a call costs.
        guard setting.rounds > 0 else { return try await CallerCost.measure(isQuick: setting.isQuick) }
        let collector = try DiscardingCollector.start()
        defer { collector.stop() }
        var rounds: [Variant: [Round]] = [:]
        for number in 0..<setting.rounds {
            // What the machine does besides changes slowly: each round has all of them, each time in another order.
            let all = Variant.allCases
            for variant in all[(number % all.count)...] + all[..<(number % all.count)] {
                Progress.say("telemetry, round \(number + 1) of \(setting.rounds), \(variant.rawValue)")
                rounds[variant, default: []].append(try await measure(variant, setting, collector))
            }
        }
        return Self.figures(rounds) + (try await CallerCost.measure(isQuick: setting.isQuick))
    }

    private func measure(
        _ variant: Variant, _ setting: BenchmarkSetting, _ collector: DiscardingCollector
    ) async throws -> Round {
        try await onStage(setting) { stage in
            try await stage.withWorker(hosts: setting.hostCounts[0], variant.settings(collector)) { worker in
                let warmUp = ConversationLoad.Shape(prefix: "warm", sessions: 64, turns: 10, atOnce: 64)
                _ = try await ConversationLoad(warmUp, on: stage).run(upTo: .seconds(60))
                let shape = ConversationLoad.Shape(
                    prefix: "session", sessions: setting.isQuick ? 64 : setting.sessions,
                    turns: setting.isQuick ? 5 : 25, atOnce: 64)
                let before = (UsageSnapshot(workers: [worker.processID]), ProcessUsage(collector.processID))
                let outcome = try await ConversationLoad(shape, on: stage).run()
                let after = (UsageSnapshot(workers: [worker.processID]), ProcessUsage(collector.processID))
                let turns = Double(shape.totalTurns)
                return Round(
                    turns: turns / outcome.elapsed.inSeconds,
                    cpu: after.0.workerThreadSeconds(since: before.0) / turns,
                    collector: ((after.1?.threadSeconds ?? 0) - (before.1?.threadSeconds ?? 0)) / turns)
            }
        }
    }

    /// Medians, and those of the ratios within the rounds.
    private static func figures(_ rounds: [Variant: [Round]]) -> [Measurement] {
        let base = rounds[.off] ?? []
        return Variant.allCases.flatMap { variant -> [Measurement] in
            let own = rounds[variant] ?? []
            let speed = Statistics(own.map(\.turns))
            let cpu = Statistics(own.map { $0.cpu * 1e6 })
            var figures = [
                Measurement(variant.rawValue, "turns", speed.median, "/s", "median of \(own.count) rounds"),
                Measurement(variant.rawValue, "CPU per turn", cpu.median, "µs", "worker and hosts"),
            ]
            guard variant != .off else { return figures }
            let speeds = Statistics(zip(own, base).map { $0.turns / $1.turns })
            let costs = Statistics(zip(own, base).map { $0.cpu / $1.cpu })
            figures += [
                Measurement(variant.rawValue, "turns, ratio", speeds.median, "", "to no telemetry; \(span(speeds))"),
                Measurement(variant.rawValue, "CPU per turn, ratio", costs.median, "", "aim 1.05; \(span(costs))"),
            ]
            if variant != .counting {
                let collector = Statistics(own.map { $0.collector * 1e6 })
                figures.append(
                    Measurement(
                        variant.rawValue, "CPU of the collector", collector.median, "µs/turn", "not in the others"))
            }
            return figures
        }
    }

    private static func span(_ statistics: Statistics) -> String {
        let (low, high) = (statistics.quantile(0), statistics.worst)
        return "\((low * 1000).rounded() / 1000) to \((high * 1000).rounded() / 1000)"
    }
}
