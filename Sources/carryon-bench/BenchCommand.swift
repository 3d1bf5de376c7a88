import ArgumentParser
import Foundation

/// `carryon-bench`: what the service does in a second, on this machine.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "carryon-bench",
        abstract: "Measures the service: a broker in this process, real workers beside it.",
        discussion: Benchmarks.all.map { "\($0.name): \($0.summary)" }.joined(separator: "\n"))

    @Argument(help: "The benchmarks to run; all of them if none is named.") var names: [String] = []
    @Flag(help: "Prints one JSON object instead of a table.") var json = false
    @Flag(help: "Less of everything: to see that it works, not to quote.") var quick = false
    @Option(help: "Turn hosts to measure the throughput with, apart by commas; 0 runs turns in the consumer's process.")
    var hosts = "0,1,2"
    @Option(help: "Sessions of the throughput's load.") var sessions = 200
    @Option(help: "Minutes of the soak.") var minutes = 10
    @Option(help: "Rounds of telemetry, each with all of its variants; with 0, only what a call of it costs.")
    var rounds = 5
    @Option(help: "Requests of the backlog.") var backlog = 1_000_000
    @Option(help: "Turns of the rebuild, a hundred of each session.") var turns = 100_000
    @Option(help: "Milliseconds that the embedded broker, which is not woken by a record, may sleep on a fetch.")
    var fetchWait = 5
    @Option(
        name: .customLong("set"), help: "A setting of the workers, as NAME=VALUE without its CARRYON_; may be repeated."
    )
    var settings: [String] = []
    @Option(help: "The executable to measure; the one beside this one if not given.") var carryon: String?
    @Option(help: "Where the benchmarks' files go: the disk that is measured.") var directory = FileManager.default
        .currentDirectoryPath
    @Flag(help: "Keeps the benchmarks' files.") var keepFiles = false
    @Flag(help: .hidden) var serveAsCollector = false

    func validate() throws {
        let known = Benchmarks.all.map(\.name)
        for name in names where !known.contains(name) {
            throw ValidationError("there is no benchmark \(name); there are \(known.joined(separator: ", "))")
        }
        guard minutes > 0, backlog > 0, turns > 0, rounds >= 0 else {
            throw ValidationError("every size must be more than nothing")
        }
        if hostCounts.isEmpty { throw ValidationError("--hosts takes numbers apart by commas") }
    }

    func run() async throws {
        if serveAsCollector { return try await DiscardingCollector.serve() }
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let executable = carryon ?? own.deletingLastPathComponent().appendingPathComponent("carryon").path
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw ValidationError("there is no executable at \(executable); build the product carryon in the same way")
        }
        let setting = BenchmarkSetting(
            executable: executable, directory: directory, isQuick: quick, keepsFiles: keepFiles, hostCounts: hostCounts,
            sessions: sessions, rounds: quick ? min(rounds, 1) : rounds, minutes: quick ? 1 : minutes,
            backlog: quick ? 20_000 : backlog, turns: quick ? 5_000 : turns,
            fetchWaitMilliseconds: fetchWait, workerSettings: workerSettings)
        var report = Report()
        for benchmark in Benchmarks.all where names.isEmpty || names.contains(benchmark.name) {
            Progress.say("\(benchmark.name): \(benchmark.summary)")
            do {
                report.add(try await benchmark.run(setting), of: benchmark.name)
            } catch {
                report.addFailure("\(error)", of: benchmark.name)
                Progress.say("\(benchmark.name) failed: \(error)")
            }
        }
        print(json ? report.json : report.table)
        if report.hasFailures { throw ExitCode.failure }
    }

    private var workerSettings: [String: String] {
        let pairs = settings.map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false) }
        return Dictionary(pairs.map { (String($0[0]), String($0.last ?? "")) }, uniquingKeysWith: { _, last in last })
    }

    private var hostCounts: [Int] { hosts.split(separator: ",").compactMap { Int($0) } }
}
