import ChatAgent
import Foundation
import Kafka
import Logging
import SessionStore
import TurnHost

/// Runs recorded turns again beside what is live: reads the requests and events topics, and writes to a store and a topic of
/// its own.
struct ShadowReplay {
    let source: TopicRebuild
    let eventsTopic: String
    let storePath: String
    let pagePath: String
    private let name: String
    private let directory: String
    private let range: ReplayRange
    private let concurrency: Int

    init(_ invocation: Invocation, name: String, range: ReplayRange, concurrency: Int) throws {
        source = try TopicRebuild(invocation)
        let settings = invocation.settings
        self.name = name
        self.range = range
        self.concurrency = concurrency
        directory = Self.directory(of: name)
        eventsTopic = "\(settings.eventsTopic).replay-\(name)"
        storePath = "\(directory)/store.sqlite"
        pagePath = "\(directory)/report.html"
    }

    /// Where a replay's files are.
    static func directory(of name: String) -> String { ".carryon/replay-\(name)" }

    /// What came of a replay, with what earlier calls have done.
    struct Result: Sendable {
        /// Every turn of the range, by partition and offset.
        var turns: [ReplayedTurn]
        /// Their sessions that the topics do not have whole.
        var gaps: [RebuildReport.Gap]
    }

    func run(_ partitions: [Int32]) async throws -> Result {
        try await makeTopic(partitions: try await source.partitions().count)
        let journal = try ReplayJournal(path: "\(directory)/turns.jsonl")
        try await replay(partitions, journal)
        await source.close()
        return try report(journal)
    }

    private func report(_ journal: ReplayJournal) throws -> Result {
        journal.close()
        let turns = journal.turns
        let sessions = Set(turns.map(\.session))
        let result = Result(turns: turns, gaps: journal.gaps.filter { sessions.contains($0.session) })
        try ReplayPage(name: name, turns: turns, gaps: result.gaps).html
            .write(toFile: pagePath, atomically: true, encoding: .utf8)
        return result
    }

    // Apart from what is around it: the compiler's optimiser does not get through them as one.
    @inline(never)
    private func replay(_ partitions: [Int32], _ journal: ReplayJournal) async throws {
        let log = try KafkaEventLog(topic: eventsTopic, properties: source.properties, logger: source.logger)
        let base = try SQLiteSessionStore(path: "\(directory)/recorded.sqlite", logger: source.logger)
        let store = try SQLiteSessionStore(path: storePath, logger: source.logger)
        for partition in partitions { try await replay(partition, base, store, log, journal) }
        try await base.close()
        try await store.close()
        await log.close(timeout: .seconds(10))
    }

    /// Whether the broker is the one of `carryon dev`, which makes topics when they are written to, and not when asked.
    private var isDevelopment: Bool { source.settings.kafka["bootstrap.servers"] == nil }

    private func makeTopic(partitions: Int) async throws {
        guard !isDevelopment else { return }
        do {
            try await source.admin.createTopic(name: eventsTopic, partitions: partitions)
        } catch {
            guard error.isTopicAlreadyThere else { throw error }
        }
    }

    private func replay(
        _ partition: Int32, _ base: any SessionStore, _ store: any SessionStore, _ log: any EventLog,
        _ journal: ReplayJournal
    ) async throws {
        let place = LogIdentity(cluster: "replay", topic: source.settings.requestsTopic, partition: partition, epoch: 0)
        let fence = try await store.takeFence(
            group: "replay", cluster: place.cluster, topic: place.topic, partition: partition)
        var options = source.settings.hostOptions(hostID: "replay-\(name)")
        options.eventsTopic = eventsTopic
        let replayer = TurnReplayer(
            agent: source.agent, log: log, options: options, partition: isDevelopment ? 0 : partition, store: store,
            fence: fence, place: place, now: wallClock,
            logger: source.logger)
        let range = range
        let report = try await source.rebuild(partition, into: base, lanes: concurrency) { recorded in
            guard range.contains(recorded.session, offset: recorded.offset, time: recorded.requestedAt) else { return }
            try await replayer.replay(recorded) { try journal.add(ReplayedTurn(recorded, $0)) }
        }
        try journal.add(report.gaps)
    }
}
