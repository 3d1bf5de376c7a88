import Kafka
import Synchronization

/// What a turn costs early and late in one conversation.
struct GrowthBenchmark: Benchmark {
    let name = "growth"
    let summary = "time, CPU and bytes written per turn around turn 10, 100 and 1,000 of one session"

    /// Of one turn, begun when the one before it was over.
    private struct Sample {
        var milliseconds: Double
        var cpuMicroseconds: Double
        var callBytes: Double
        var diskBytes: Double
    }

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        let turns = setting.isQuick ? 100 : 1000
        let samples = try await onStage(setting) { stage in
            try await stage.withWorker(hosts: 1) { worker in
                _ = try await ConversationLoad(
                    ConversationLoad.Shape(prefix: "warm", sessions: 16, turns: 20, atOnce: 16), on: stage
                ).run(upTo: .seconds(60))
                return try await play(turns, stage, worker)
            }
        }
        let windows = [5..<15, 80..<120, 900..<1000].filter { $0.upperBound <= turns }
        var figures: [Measurement] = []
        for (title, unit, member) in [
            ("time", "ms", \Sample.milliseconds), ("CPU", "µs", \.cpuMicroseconds),
            ("bytes in write calls", "bytes", \.callBytes), ("bytes to the disk", "bytes", \.diskBytes),
        ] {
            // Medians: now and then the store copies its journal back, which is the whole file's cost and not the turn's.
            let values = windows.map { Statistics(samples[$0].map { $0[keyPath: member] }).median }
            for (window, value) in zip(windows, values) {
                let ratio = ((value / values[0]) * 100).rounded() / 100
                figures.append(
                    Measurement(
                        "turns \(window.lowerBound) to \(window.upperBound)", "\(title) per turn", value, unit,
                        "\(ratio) of the first; aim within 1.2"))
            }
        }
        return figures
    }

    private func play(_ turns: Int, _ stage: Stage, _ worker: WorkerUnderTest) async throws -> [Sample] {
        var samples: [Sample] = []
        var before = UsageSnapshot(workers: [worker.processID])
        for turn in 0..<turns {
            let done = Milestone()
            stage.events.listen {
                if $0.contains(where: { $0.key?.elementsEqual("long".utf8) == true && $0.endsTurn }) { done.reach() }
            }
            let start = ContinuousClock.now
            stage.producer.produce(
                Question.record(session: "long", partition: 0, text: Question.script(words: 64, seed: turn)))
            try await done.wait(upTo: .seconds(30), for: "turn \(turn)")
            let elapsed = ContinuousClock.now - start
            let after = UsageSnapshot(workers: [worker.processID])
            samples.append(
                Sample(
                    milliseconds: elapsed.inMilliseconds,
                    cpuMicroseconds: after.workerThreadSeconds(since: before) * 1e6,
                    callBytes: Double(after.callBytes(since: before)), diskBytes: Double(after.diskBytes(since: before))
                ))
            before = after
        }
        stage.events.listen(nil)
        return samples
    }
}
