/// One question about speed or memory, and how it is answered.
protocol Benchmark: Sendable {
    var name: String { get }
    /// What is measured, in one line.
    var summary: String { get }
    func run(_ setting: BenchmarkSetting) async throws -> [Measurement]
}

/// What every benchmark is run with.
struct BenchmarkSetting: Sendable {
    /// The `carryon` that is measured.
    let executable: String
    /// Where files go.
    let directory: String
    /// Less of everything.
    let isQuick: Bool
    let keepsFiles: Bool
    /// Turn hosts to compare.
    let hostCounts: [Int]
    /// Sessions of the throughput's load.
    let sessions: Int
    /// Rounds of what is compared round by round.
    let rounds: Int
    /// Minutes of the soak.
    let minutes: Int
    /// Requests of the backlog.
    let backlog: Int
    /// Turns of the rebuild.
    let turns: Int
    /// How long the broker may sleep on a fetch.
    let fetchWaitMilliseconds: Int
    /// Of every worker, on top of the benchmark's own.
    let workerSettings: [String: String]
}

/// What went wrong with a benchmark, in one sentence.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let code: String
    let description: String

    init(_ code: String, _ description: String) {
        self.code = code
        self.description = description
    }
}

enum Benchmarks {
    static let all: [any Benchmark] = [
        ThroughputBenchmark(), GrowthBenchmark(), StreamingBenchmark(), RecoveryBenchmark(), SkippingBenchmark(),
        MessageBenchmark(), PostgresBenchmark(), HandoverBenchmark(), SoakBenchmark(), BacklogBenchmark(),
        GatewayBenchmark(), TelemetryBenchmark(), RebuildBenchmark(),
    ]
}
