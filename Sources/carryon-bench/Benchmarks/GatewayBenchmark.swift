import Foundation
import Kafka
import Synchronization
import TestSupport

/// The gateway: what it adds to an answer's way, what it takes in, and what its readers cost.
struct GatewayBenchmark: Benchmark {
    let name = "gateway"
    let summary = "latency to SSE readers at 1, 100 and 1,000 streaming sessions; messages taken; 5,000 readers"

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        var figures: [Measurement] = []
        for load in setting.isQuick ? Self.loads.dropLast(2) : Self.loads {
            figures += try await withGateway(setting) { stage, gateway, port in
                try await stage.withWorker(hosts: 1) { worker in
                    try await latency(load, stage, [gateway.processID, worker.processID], port)
                }
            }
        }
        figures += try await withGateway(setting) { _, _, port in try await intake(setting, port) }
        for readers in setting.isQuick ? [200] : [5000] {
            for sessions in [1, 100] {
                figures += try await withGateway(setting) { stage, gateway, port in
                    try await crowd(readers, sessions, stage, gateway, port)
                }
            }
        }
        return figures
    }

    private func withGateway(
        _ setting: BenchmarkSetting, _ body: (Stage, WorkerUnderTest, UInt16) async throws -> [Measurement]
    ) async throws -> [Measurement] {
        try await onStage(setting) { stage in
            let port = try LoopbackSocket.freePort()
            let gateway = try await stage.startGateway(port: port)
            do {
                let figures = try await body(stage, gateway, port)
                await gateway.stop()
                return figures
            } catch {
                await gateway.stop(within: 1)
                throw error
            }
        }
    }

    // MARK: Latency

    /// Sessions that stream at once, each a little after the one before.
    ///
    /// One answer of each only: the embedded broker walks through all that it holds at every fetch, and after some
    /// hundred thousand records it would be that which is measured.
    private struct Load {
        var sessions: Int
        /// From a word to the next one.
        var interval: Duration
        static let words = 50

        var name: String { "\(sessions) sessions, a word each \(Int(interval.inMilliseconds)) ms" }
    }

    private static let loads = [
        Load(sessions: 1, interval: .milliseconds(100)), Load(sessions: 100, interval: .milliseconds(100)),
        Load(sessions: 1000, interval: .milliseconds(250)), Load(sessions: 1000, interval: .milliseconds(100)),
    ]

    private struct Arrivals {
        var written: [String: [Int64: Int64]] = [:]
        var delays: [Double] = []
        var early: [(session: String, seq: Int64, at: Double)] = []
        /// All sessions stream.
        var isCounting = false

        mutating func arrive(_ session: String, _ seq: Int64, _ at: Double) {
            if let written = written[session]?.removeValue(forKey: seq) {
                delays.append(at - Double(written))
            } else {
                early.append((session, seq, at))
            }
        }
    }

    /// From a record's being handed to the worker's producer to its event's being read, for every chunk.
    private func latency(
        _ load: Load, _ stage: Stage, _ processes: [Int32], _ port: UInt16
    ) async throws -> [Measurement] {
        Progress.say("gateway, \(load.name)")
        let arrivals = Mutex(Arrivals())
        let end = Milestone()
        stage.events.listen { records in
            arrivals.withLock { arrivals in
                for record in records where !record.isControl {
                    guard let session = record.keyString, let seq = record.headerString("seq").flatMap({ Int64($0) })
                    else { continue }
                    arrivals.written[session, default: [:]][seq] = record.timestamp
                }
            }
        }
        var clients: [LoadClient] = []
        for index in 0..<load.sessions {
            let session = "s\(index)"
            let place = Mutex<Int64>(0)
            let client = try await LoadClient(port: port) { line in
                let now = Date().timeIntervalSince1970 * 1000
                if line.hasPrefix("id: ") {
                    place.withLock { $0 = Int64(line.dropFirst(4)) ?? 0 }
                } else if line == "event: chunk" {
                    let seq = place.withLock { $0 }
                    arrivals.withLock { if $0.isCounting { $0.arrive(session, seq, now) } }
                } else if line == "event: turn-complete" {
                    arrivals.withLock { $0.isCounting = false }
                    end.reach()
                }
            }
            client.send(LoadClient.stream(session))
            clients.append(client)
        }
        try await Task.sleep(for: .seconds(1))
        let script = Question.stream(words: Load.words, every: "\(Int(load.interval.inMilliseconds))ms")
        for index in 0..<load.sessions {
            stage.producer.produce(
                Question.record(session: "s\(index)", partition: index % Stage.partitions, text: script))
            if index % 10 == 9 { try await Task.sleep(for: .milliseconds(20)) }
        }
        try await Task.sleep(for: .milliseconds(500))
        arrivals.withLock { $0.isCounting = true }
        let before = UsageSnapshot(workers: processes)
        let begun = ContinuousClock.now
        try await end.wait(upTo: .seconds(120), for: "the streams")
        let cpu = UsageSnapshot(workers: processes).cpu(since: before).values.reduce(0, +)
        let cores = cpu / (ContinuousClock.now - begun).inSeconds
        // What the tap has not seen yet.
        try await Task.sleep(for: .seconds(1))
        for client in clients { await client.close() }
        let delays = arrivals.withLock { arrivals in
            let early = arrivals.early
            arrivals.early = []
            for arrival in early { arrivals.arrive(arrival.session, arrival.seq, arrival.at) }
            return Statistics(arrivals.delays)
        }
        let remark = "from the worker's write, a flush window (20 ms) after the chunk at most; aim 25 at 1,000"
        return [
            Measurement(load.name, "delay to the reader, median", delays.median, "ms"),
            Measurement(load.name, "delay to the reader, 99 %", delays.quantile(0.99), "ms", remark),
            Measurement(load.name, "cores busy, broker and readers among it", cores, ""),
        ]
    }

    // MARK: Intake

    /// What many connections add up.
    private final class Tally: Sendable {
        let delays = Mutex<[Double]>([])
        let received = Atomic<Int>(0)
    }

    /// Messages over connections that each send the next one when the last is acknowledged.
    private func intake(_ setting: BenchmarkSetting, _ port: UInt16) async throws -> [Measurement] {
        Progress.say("gateway, messages taken")
        let total = setting.isQuick ? 500 : 20_000
        let connections = 64
        let tally = Tally()
        let started = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for connection in 0..<connections {
                group.addTask {
                    let answers = AsyncStream<Bool>.makeStream()
                    let client = try await LoadClient(port: port) { line in
                        if line.hasPrefix("HTTP/1.1 ") { answers.continuation.yield(line.contains("202")) }
                    }
                    var iterator = answers.stream.makeAsyncIterator()
                    for number in 0..<(total / connections) {
                        let begun = ContinuousClock.now
                        client.send(LoadClient.message("c\(connection)-\(number % 50)", "a message of some words"))
                        guard await iterator.next() == true else {
                            throw BenchmarkFailure("refused", "the gateway refused a message")
                        }
                        tally.delays.withLock { $0.append((ContinuousClock.now - begun).inMilliseconds) }
                    }
                    await client.close()
                }
            }
            try await group.waitForAll()
        }
        let seconds = (ContinuousClock.now - started).inSeconds
        let taken = Statistics(tally.delays.withLock { $0 })
        return [
            Measurement(
                "64 connections", "messages acknowledged", Double(total / connections * connections) / seconds, "/s"),
            Measurement("64 connections", "time of a message, median", taken.median, "ms"),
            Measurement("64 connections", "time of a message, 99 %", taken.quantile(0.99), "ms"),
        ]
    }

    // MARK: Readers

    /// Many readers of a few sessions, whose events are written by the benchmark itself.
    private func crowd(
        _ readers: Int, _ sessions: Int, _ stage: Stage, _ gateway: WorkerUnderTest, _ port: UInt16
    ) async throws -> [Measurement] {
        Progress.say("gateway, \(readers) readers of \(sessions) sessions")
        let events = 100 / (sessions == 1 ? 2 : 1)
        let before = UsageSnapshot(workers: [gateway.processID])
        let tally = Tally()
        let wanted = readers * events
        let end = Milestone()
        let clients = try await withThrowingTaskGroup(of: LoadClient.self) { group in
            var clients: [LoadClient] = []
            for index in 0..<readers {
                if index >= 64, let client = try await group.next() { clients.append(client) }
                group.addTask {
                    let client = try await LoadClient(port: port) { line in
                        guard line == "event: chunk" else { return }
                        if tally.received.add(1, ordering: .relaxed).newValue == wanted { end.reach() }
                    }
                    client.send(LoadClient.stream("crowd-\(index % sessions)"))
                    return client
                }
            }
            for try await client in group { clients.append(client) }
            return clients
        }
        try await Task.sleep(for: .seconds(3))
        let open = UsageSnapshot(workers: [gateway.processID])
        for seq in 1...events {
            for session in 0..<sessions {
                stage.producer.produce(Self.event("crowd-\(session)", session % Stage.partitions, seq))
            }
            try await Task.sleep(for: .milliseconds(sessions == 1 ? 100 : 200))
        }
        try await end.wait(upTo: .seconds(120), for: "the readers")
        let after = UsageSnapshot(workers: [gateway.processID])
        for client in clients { await client.close() }
        let cpu = after.cpu(since: open)[.worker] ?? 0
        let variant = "\(readers) readers, \(sessions) sessions"
        return [
            Measurement(
                variant, "memory per reader",
                Double(open.residentBytes - before.residentBytes) / Double(readers) / 1024,
                "KB"),
            Measurement(variant, "CPU per delivered event", cpu / Double(wanted) * 1e6, "µs"),
        ]
    }

    private static func event(_ session: String, _ partition: Int, _ seq: Int) -> ProducerRecord {
        ProducerRecord(
            topic: Stage.eventsTopic, partition: Int32(partition), key: session,
            value: #"{"type":"text-delta","id":"t1","delta":" word"}"#,
            headers: [KafkaHeader("seq", "\(seq)"), KafkaHeader("turn", "0"), KafkaHeader("run", "1")])
    }
}
