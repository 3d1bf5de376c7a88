import Foundation
import Kafka
import Logging
import SessionStore

/// What disk and broker do on their own, in the same go: the figures that the service's are to be held against.
struct Baseline {
    private let setting: BenchmarkSetting

    init(_ setting: BenchmarkSetting) {
        self.setting = setting
    }

    func measure() async throws -> [Measurement] {
        Progress.say("baselines")
        return try await onStage(setting) { stage in
            let store = try SQLiteSessionStore(
                path: stage.directory.appendingPathComponent("baseline.sqlite").path, logger: Logger(label: "baseline"))
            return [try await produce(stage)] + (try await settle(store, named: "SQLite"))
        }
    }

    /// Records of an event's size through the embedded broker, acknowledged.
    private func produce(_ stage: Stage) async throws -> Measurement {
        let count = setting.isQuick ? 20_000 : 100_000
        let text = String(repeating: "x", count: 200)
        let records = (0..<1000).map {
            Question.record(session: "baseline-\($0)", partition: $0 % Stage.partitions, text: text)
        }
        let start = ContinuousClock.now
        for _ in 0..<(count / records.count) { _ = await stage.producer.send(records) }
        let seconds = (ContinuousClock.now - start).inSeconds
        return Measurement("baseline", "records produced", Double(count) / seconds, "/s", "in batches of 1,000")
    }

    /// Settlements of a turn's size in the store, from 64 tasks at once.
    func settle(_ store: any SessionStore, named name: String) async throws -> [Measurement] {
        let fence = try await store.takeFence(group: "bench", cluster: "bench", topic: "bench", partition: 0)
        let log = LogIdentity(cluster: "bench", topic: "bench", partition: 0, epoch: 0)
        let rounds = setting.isQuick ? 20 : 200
        let start = ContinuousClock.now
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    for round in 0..<rounds {
                        let body = Array(Question.script(words: 64, seed: task &* 1000 &+ round).utf8)
                        let message = StoredMessage(id: "\(round)", role: "user", turn: round, body: body)
                        let settlement = Settlement(
                            session: "baseline-\(task)", expectedRevision: Int64(round), fence: fence,
                            position: LogPosition(log: log, offset: Int64(round)), fingerprint: nil,
                            history: HistoryChange(append: [message]), turns: round, nextSeq: Int64(round),
                            at: Int64(round))
                        guard case .written = try await store.settle(settlement) else {
                            throw BenchmarkFailure("refused", "the store refused a settlement of the baseline")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let seconds = (ContinuousClock.now - start).inSeconds
        try await store.close()
        let rate = Double(64 * rounds) / seconds
        return [Measurement("baseline", "settlements stored in \(name)", rate, "/s", "64 at once")]
    }
}
