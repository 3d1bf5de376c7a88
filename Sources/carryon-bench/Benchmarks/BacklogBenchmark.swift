import Foundation
import Kafka
import Synchronization

/// A worker that finds a million requests waiting.
struct BacklogBenchmark: Benchmark {
    let name = "backlog"
    let summary = "a backlog of 1,000,000 requests: memory, time to catch up, time to the first new chunk"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        // The embedded broker forgets all but the newest few megabytes.
        try await onStage(setting, broker: .tansu) { stage in
            let count = setting.backlog
            try await fill(stage, count)
            let (first, end) = (Milestone(), Milestone())
            let ended = Atomic(0)
            let began = Mutex<ContinuousClock.Instant?>(nil)
            stage.events.listen { records in
                if began.withLock({ $0 }) == nil, records.contains(where: { !$0.isControl }) {
                    began.withLock { $0 = .now }
                    first.reach()
                }
                let before = ended.load(ordering: .relaxed)
                let now = ended.add(records.count { $0.endsTurn }, ordering: .relaxed).newValue
                if now / 50_000 > before / 50_000 { Progress.say("backlog, \(now) of \(count) turns") }
                if now >= count { end.reach() }
            }
            return try await stage.withWorkers(1, hosts: 1) { workers in
                let assigned = ContinuousClock.now
                let watch = MemoryWatch(of: workers[0].processID)
                try await first.wait(upTo: .seconds(120), for: "the first chunk")
                let wait = began.withLock { $0 }.map { $0 - assigned } ?? .zero
                try await end.wait(upTo: .seconds(1_800), for: "the end of the backlog")
                let elapsed = (ContinuousClock.now - assigned).inSeconds
                let memory = await watch.end()
                stage.events.listen(nil)
                let variant = "\(count) requests"
                return [
                    Measurement(variant, "time to catch up", elapsed, "s"),
                    Measurement(variant, "turns", Double(count) / elapsed, "/s", "one host"),
                    Measurement(
                        variant, "assignment to first new chunk", wait.inMilliseconds, "ms",
                        "0 if it came before its worker had said that it was assigned"),
                    Measurement(
                        variant, "memory after a tenth of the time", memory.early / 1e6, "MB", "worker and hosts"),
                    Measurement(variant, "memory, most", memory.most / 1e6, "MB", "worker and hosts"),
                    Measurement(variant, "memory at the end", memory.last / 1e6, "MB", "worker and hosts"),
                ]
            }
        }
    }

    private func fill(_ stage: Stage, _ count: Int) async throws {
        Progress.say("backlog, sending \(count) requests")
        let batch = 10_000
        for start in stride(from: 0, to: count, by: batch) {
            let records = (start..<min(start + batch, count)).map { number in
                Question.record(
                    session: "backlog-\(number % 100_000)", partition: number % Stage.partitions,
                    text: "#script\nsay it is number \(number)")
            }
            for case .failure(let error) in await stage.producer.send(records) { throw error }
        }
    }
}

/// Looks at the memory of a worker and its hosts twice a second.
private final class MemoryWatch: Sendable {
    private let task: Task<[Double], Never>

    init(of worker: Int32) {
        task = Task {
            var samples: [Double] = []
            while !Task.isCancelled {
                samples.append(Double(UsageSnapshot(workers: [worker]).residentBytes))
                try? await Task.sleep(for: .milliseconds(500))
            }
            return samples
        }
    }

    func end() async -> (early: Double, most: Double, last: Double) {
        task.cancel()
        let samples = await task.value
        return (samples[samples.count / 10], samples.max() ?? 0, samples.last ?? 0)
    }
}
