import Foundation
import SessionStore
import TestSupport

/// Turns per second on PostgreSQL, by one worker and by several, beside SQLite's and the database's own commit rate.
struct PostgresBenchmark: Benchmark {
    let name = "postgres"
    let summary = "turns a second on PostgreSQL with 1, 2 and 4 workers, beside SQLite and pgbench, all durable"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        let server = try await PostgresServer.start()
        defer { server.kill() }
        var figures = [try await commits(of: server, setting)]
        figures += try await Baseline(setting).settle(
            PostgresSessionStore(url: try await server.createDatabase()), named: "PostgreSQL")
        figures += try await measure(setting, workers: 1, store: nil)
        for workers in [1, 2, 4] {
            figures += try await measure(setting, workers: workers, store: try await server.createDatabase())
        }
        return figures
    }

    /// What the database commits of small transactions of its own benchmark, from 16 connections.
    private func commits(of server: PostgresServer, _ setting: BenchmarkSetting) async throws -> Measurement {
        let url = try await server.createDatabase()
        _ = try await PostgresServer.run("pgbench", ["--initialize", "--quiet", "--scale=10", url])
        // By number and not by time: its timer is a signal, which the threads of this process have blocked for their children.
        let each = setting.isQuick ? 500 : 2_000
        let said = try await PostgresServer.run(
            "pgbench",
            ["--skip-some-updates", "--client=16", "--jobs=2", "--transactions=\(each)", "--protocol=prepared", url])
        let words = said.split(separator: "\n").first { $0.hasPrefix("tps = ") }?.split(separator: " ") ?? []
        guard words.count > 2, let rate = Double(words[2]) else {
            throw BenchmarkFailure("pgbench", "pgbench said nothing of its rate: \(said)")
        }
        return Measurement("pgbench, 16 clients", "commits", rate, "/s", "simple updates, one a transaction")
    }

    private func measure(
        _ setting: BenchmarkSetting, workers count: Int, store: String?
    ) async throws -> [Measurement] {
        let variant = "\(store == nil ? "SQLite" : "PostgreSQL"), \(count) \(count == 1 ? "worker" : "workers")"
        Progress.say("postgres, \(variant)")
        return try await onStage(setting, store: store) { stage in
            try await stage.withWorkers(count, hosts: 0) { workers in
                let warmUp = ConversationLoad.Shape(prefix: "warm", sessions: 64, turns: 5, atOnce: 64)
                _ = try await ConversationLoad(warmUp, on: stage).run(upTo: .seconds(120))
                let shape = ConversationLoad.Shape(
                    prefix: "session", sessions: setting.isQuick ? 64 : setting.sessions,
                    turns: setting.isQuick ? 5 : 25, atOnce: 64)
                let before = UsageSnapshot(workers: workers.map(\.processID))
                let outcome = try await ConversationLoad(shape, on: stage).run()
                let after = UsageSnapshot(workers: workers.map(\.processID))
                let turns = Double(shape.totalTurns)
                let cpu = after.cpu(since: before).values.reduce(0, +)
                return [
                    Measurement(variant, "turns", turns / outcome.elapsed.inSeconds, "/s", "64 sessions at once"),
                    Measurement(
                        variant, "turn, median", outcome.latencies.median, "ms",
                        "99 %: \(Int(outcome.latencies.quantile(0.99))) ms"),
                    Measurement(
                        variant, "CPU per turn", cpu / turns * 1e6, "µs", "all processes but the database's"),
                ]
            }
        }
    }
}
