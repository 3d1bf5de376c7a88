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
        for sessions in setting.isQuick ? [1, 50] : [1, 100, 1000] {
            figures += try await withGateway(setting) { stage, gateway, port in
                try await stage.withWorker(hosts: 1) { _ in try await latency(sessions, stage, port) }
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

    private struct Arrivals {
        var written: [String: [Int64: Int64]] = [:]
        var delays: [Double] = []
        var early: [(session: String, seq: Int64, at: Double)] = []
        var ended = 0

        mutating func arrive(_ session: String, _ seq: Int64, _ at: Double) {
            if let written = written[session]?[seq] {
                delays.append(at - Double(written))
            } else {
                early.append((session, seq, at))
            }
        }
    }

    /// From a record's being handed to the worker's producer to its event's being read, for every chunk.
    private func latency(_ sessions: Int, _ stage: Stage, _ port: UInt16) async throws -> [Measurement] {
        Progress.say("gateway, latency at \(sessions) sessions")
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
        for index in 0..<sessions {
            let session = "s\(index)"
            let place = Mutex<(seq: Int64, isChunk: Bool)>((0, false))
            let client = try await LoadClient(port: port) { line in
                let now = Date().timeIntervalSince1970 * 1000
                if line.hasPrefix("id: ") {
                    place.withLock { $0.seq = Int64(line.dropFirst(4)) ?? 0 }
                } else if line == "event: chunk" {
                    let seq = place.withLock { $0.seq }
                    arrivals.withLock { $0.arrive(session, seq, now) }
                } else if line == "event: turn-complete" {
                    let isLast = arrivals.withLock { arrivals in
                        arrivals.ended += 1
                        return arrivals.ended == sessions
                    }
                    if isLast { end.reach() }
                }
            }
            client.send(LoadClient.stream(session))
            clients.append(client)
        }
        try await Task.sleep(for: .seconds(1))
        for index in 0..<sessions {
            stage.producer.produce(
                Question.record(
                    session: "s\(index)", partition: index % Stage.partitions,
                    text: Question.stream(words: 50, every: "100ms")))
        }
        try await end.wait(upTo: .seconds(120), for: "the streams")
        // What the tap has not seen yet.
        try await Task.sleep(for: .seconds(1))
        for client in clients { await client.close() }
        let delays = arrivals.withLock { arrivals in
            let early = arrivals.early
            arrivals.early = []
            for arrival in early { arrivals.arrive(arrival.session, arrival.seq, arrival.at) }
            return Statistics(arrivals.delays)
        }
        let variant = "\(sessions) sessions"
        let remark =
            "from the worker's write, which comes a flush window (20 ms) after the chunk at most; aim 25 at 1,000"
        return [
            Measurement(variant, "delay to the reader, median", delays.median, "ms"),
            Measurement(variant, "delay to the reader, 99 %", delays.quantile(0.99), "ms", remark),
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
