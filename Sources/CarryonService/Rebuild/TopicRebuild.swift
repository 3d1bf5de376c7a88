import ChatAgent
import Kafka
import Logging
import SessionStore
import TurnHost

/// Builds sessions again from the requests and events topics, one partition after the other.
struct TopicRebuild {
    let settings: Settings
    let agent: any ChatAgent
    private let loop: TurnLoop
    let admin: KafkaAdmin
    let properties: KafkaProperties
    let logger: Logger

    init(_ invocation: Invocation) throws {
        settings = invocation.settings
        logger = settings.makeLogger("carryon.rebuild")
        properties = try settings.kafkaProperties()
        admin = try KafkaAdmin(properties, logger: logger)
        let context = try settings.agentContext(try settings.readAgent(), logger: logger)
        agent = try invocation.makeAgent(context)
        loop = TurnLoop(agent: agent, logger: logger)
    }

    /// The requests topic's partitions.
    /// - Throws: ``CommandFailure`` if a topic is missing, or the events topic has too few partitions.
    func partitions() async throws -> [Int32] {
        let counts = try await admin.topics([settings.requestsTopic, settings.eventsTopic])
        for topic in [settings.requestsTopic, settings.eventsTopic] where counts[topic] == nil {
            throw CommandFailure(.failed, "there is no topic \(topic)")
        }
        let (requests, events) = (counts[settings.requestsTopic] ?? 0, counts[settings.eventsTopic] ?? 0)
        guard requests <= events else {
            throw CommandFailure(
                .failed, "\(settings.eventsTopic) has \(events) partitions, fewer than \(settings.requestsTopic)")
        }
        return Array(0..<Int32(requests))
    }

    /// Refuses if workers of the group are running: both would write the same sessions.
    /// - Parameter ignored: whether somebody knows better than the broker. Nothing is written over either way: of two who
    ///   write the same sessions, one ends.
    func requireNoWorkers(unless ignored: Bool) async throws {
        guard !ignored else { return }
        let count = try await workers()
        guard count > 0 else { return }
        throw CommandFailure(
            .failed,
            "\(count) workers of the group '\(settings.groupID)' are running; stop them first, or, if they are dead and the "
                + "broker only does not know it yet, use --ignore-members")
    }

    private func workers() async throws -> Int {
        do {
            return try await admin.describeGroup(settings.groupID).members.count
        } catch {
            // The broker of `carryon dev` does not know its groups. A worker that takes its partitions back is noticed.
            guard error.isUnsupported else { throw error }
            return 0
        }
    }

    /// Builds a partition's sessions in `store`.
    /// - Parameters:
    ///   - scope: what of it; `nil` for all.
    ///   - trustsCommits: whether what the group has committed counts as settled.
    ///   - lanes: how many sessions at a time.
    ///   - onTurn: called with each turn before it is settled there.
    @discardableResult
    func rebuild(
        _ partition: Int32, into store: any SessionStore, scope: RebuildScope? = nil, trustsCommits: Bool = true,
        lanes: Int = 64,
        onTurn: (@Sendable (RecordedTurn) async throws -> Void)? = nil
    ) async throws -> RebuildReport {
        let requests = TopicPartition(topic: settings.requestsTopic, partition: partition)
        let events = TopicPartition(topic: settings.eventsTopic, partition: partition)
        let grant = try await grant(requests, store)
        let committed =
            trustsCommits
            ? try await admin.committedOffsets(group: settings.groupID, partitions: [requests])[requests]?.offset : nil
        let marks = try await admin.watermarks(events)
        let first = max(marks.low, scope?.firstEvent ?? 0)
        let meter = ProgressMeter(
            "partition \(partition)", unit: "events", total: Int(max(marks.high - first, 0)))
        let eventSource = try await KafkaRecordSource(
            events, from: .at(first), properties: properties, logger: logger)
        let requestSource = try await KafkaRecordSource(
            requests, from: .at(scope?.firstRequest ?? 0), properties: properties, logger: logger)
        var rebuild = PartitionRebuild(
            grant, events: eventSource, requests: requestSource, committed: committed ?? 0,
            scope: scope, lanes: lanes, store: store, loop: loop, logger: logger, onTurn: onTurn
        ) { meter.reached($0.events) }
        do {
            let report = try await rebuild.run()
            meter.finish()
            await eventSource.close()
            await requestSource.close()
            return report
        } catch {
            meter.finish()
            await eventSource.close()
            await requestSource.close()
            throw error
        }
    }

    /// The partition's log as the store knows it, under a fence of its own.
    func grant(_ partition: TopicPartition, _ store: any SessionStore) async throws -> PartitionGrant {
        let cluster = try await clusterID()
        let fence = try await store.takeFence(
            group: settings.groupID, cluster: cluster, topic: partition.topic, partition: partition.partition)
        let reader = try KafkaReader(properties, logger: logger)
        let marks =
            try await reader.watermarks(of: [partition], asking: admin)[partition] ?? Watermarks(low: 0, high: 0)
        let found = try await store.identifyLog(
            cluster: cluster, topic: partition.topic, partition: partition.partition, startOffset: marks.low,
            endOffset: marks.high
        ) { offset in
            try? await reader.fetch(partition, offset: offset)?.timestamp
        }
        await reader.close()
        return PartitionGrant(assignment: 1, log: found.log, fence: fence, endOffset: marks.high)
    }

    private func clusterID() async throws -> String {
        if let override = settings.logIdentity { return override }
        return try await admin.clusterID() ?? "unnamed"
    }

    func close() async {
        await admin.close()
    }
}
