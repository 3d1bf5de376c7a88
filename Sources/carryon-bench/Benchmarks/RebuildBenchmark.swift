import ChatAgent
import Conversation
import Foundation
import Kafka
import Logging
import SessionStore
import TurnHost

/// How fast a store is built again, and whether the memory that takes grows with the topics. The records come from memory,
/// so that it is the rebuild that is measured and not a broker.
struct RebuildBenchmark: Benchmark {
    let name = "rebuild"
    let summary = "a store built again from requests and events: 100,000 turns, a hundred of each session"

    private static let turnsPerSession = 100

    func run(_ setting: BenchmarkSetting) async throws -> [Measurement] {
        let turns = setting.turns
        let path = "\(setting.directory)/carryon-rebuild-\(UUID().uuidString).sqlite"
        defer {
            if !setting.keepsFiles {
                for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
            }
        }
        let quiet = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }
        let store = try SQLiteSessionStore(path: path, logger: quiet)
        let first = try await rebuild(turns, store, quiet)
        let again = try await rebuild(turns, store, quiet)
        try await store.close()
        guard first.report.turns == turns, again.report.alreadyThere == turns else {
            throw BenchmarkFailure("wrong_result", "\(first.report.turns) of \(turns) turns were rebuilt")
        }
        let growth = Double(first.memory.end - first.memory.tenth) / 1e6
        return [
            Measurement("SQLite", "turns rebuilt", Double(turns) / first.seconds, "/s", "each with 10 events"),
            Measurement("SQLite", "memory after a tenth", Double(first.memory.tenth) / 1e6, "MB", "of the process"),
            Measurement("SQLite", "memory after a half", Double(first.memory.half) / 1e6, "MB", ""),
            Measurement(
                "SQLite", "memory at the end", Double(first.memory.end) / 1e6, "MB", "grown by \(Int(growth)) MB"),
            Measurement(
                "SQLite", "turns passed over", Double(turns) / again.seconds, "/s", "once more, over what is there"),
        ]
    }

    private struct Result {
        var report: RebuildReport
        var seconds: Double
        var memory: (tenth: Int, half: Int, end: Int)
    }

    private func rebuild(_ turns: Int, _ store: any SessionStore, _ logger: Logger) async throws -> Result {
        let fence = try await store.takeFence(group: "bench", cluster: "bench", topic: "requests", partition: 0)
        let log = LogIdentity(cluster: "bench", topic: "requests", partition: 0, epoch: 0)
        let grant = PartitionGrant(assignment: 1, log: log, fence: fence, endOffset: Int64(turns))
        let sessions = max(turns / Self.turnsPerSession, 1)
        var (tenth, half) = (0, 0)
        let events = RecordedEvents(turns: turns, sessions: sessions) { turn in
            if tenth == 0, turn >= turns / 10 { tenth = Self.residentBytes }
            if half == 0, turn >= turns / 2 { half = Self.residentBytes }
        }
        var rebuild = PartitionRebuild(
            grant, events: events, requests: RecordedRequests(turns: turns, sessions: sessions),
            committed: Int64(turns), store: store, loop: TurnLoop(agent: NobodysAgent(), logger: logger),
            logger: logger)
        let start = ContinuousClock.now
        let report = try await rebuild.run()
        return Result(
            report: report, seconds: (ContinuousClock.now - start).inSeconds,
            memory: (tenth, half, Self.residentBytes))
    }

    private static var residentBytes: Int { ProcessUsage(getpid())?.residentBytes ?? 0 }
}

private struct NobodysAgent: ChatAgent {
    let name = "nobody's"

    func run(_ turn: Turn) async throws {}
}

/// A question each, session after session.
private final class RecordedRequests: RecordSource {
    private let turns: Int
    private let sessions: Int
    private var next = 0

    init(turns: Int, sessions: Int) {
        self.turns = turns
        self.sessions = sessions
    }

    func next() async throws -> [KafkaRecord]? {
        guard next < turns else { return nil }
        let range = next..<min(next + 1_000, turns)
        next = range.upperBound
        return range.map { turn in
            KafkaRecord(
                topic: "requests", partition: 0, offset: Int64(turn), timestamp: 1_000_000 + Int64(turn),
                key: Array("session-\(turn % sessions)".utf8),
                value: Array(#"{"type":"message","text":"The question of turn \#(turn), in some words."}"#.utf8))
        }
    }
}

/// Their answers: ten events each.
private final class RecordedEvents: RecordSource {
    private let turns: Int
    private let sessions: Int
    private let onTurn: (Int) -> Void
    private var turn = 0
    private var offset: Int64 = 0

    init(turns: Int, sessions: Int, onTurn: @escaping (Int) -> Void) {
        self.turns = turns
        self.sessions = sessions
        self.onTurn = onTurn
    }

    func next() async throws -> [KafkaRecord]? {
        guard turn < turns else { return nil }
        onTurn(turn)
        var records: [KafkaRecord] = []
        for _ in 0..<min(100, turns - turn) {
            records += answer()
            turn += 1
        }
        return records
    }

    private func answer() -> [KafkaRecord] {
        let number = turn / sessions
        let id = "answer-\(turn)"
        let words = (0..<3).map { Chunk.textDelta(id: "t", delta: "some words \($0) of the answer to turn \(turn), ") }
        let chunks =
            [.start(messageID: id), .startStep(), .textStart(id: "t")] + words + [
                .textEnd(id: "t"), .finish(finishReason: .stop),
            ]
        let complete = TurnComplete(turn: number, outcome: .completed, finishReason: .stop, messageID: id)
        let bodies =
            [Event.Body.control(.turnStart(turn: number, run: 1, messageID: id))] + chunks.map(Event.Body.chunk)
            + [.control(.turnComplete(complete))]
        return bodies.enumerated().map { index, body in
            let event = Event(
                session: "session-\(turn % sessions)", seq: Int64(number * bodies.count + index + 1), turn: number,
                run: 1, requestID: "0-\(turn)", requestOffset: Int64(turn), body: body)
            offset += 1
            return KafkaRecord(
                topic: "events", partition: 0, offset: offset, timestamp: 1_000_000 + Int64(turn),
                key: Array(event.session.utf8), value: event.valueBytes,
                headers: event.headers.map { KafkaHeader(name: $0.name, value: $0.value) })
        }
    }
}
