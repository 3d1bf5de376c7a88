import CarryonTesting
import ChatAgent
import Conversation
import Kafka
import SessionStore
import TestSupport
import Testing
import TurnHost

/// A partition that lies in memory.
private final class MemorySource: RecordSource {
    private var records: ArraySlice<KafkaRecord>
    private let batch: Int
    private let before: (Int64) async throws -> Void

    init(_ records: [KafkaRecord], batch: Int, before: @escaping (Int64) async throws -> Void = { _ in }) {
        self.records = records[...]
        self.batch = batch
        self.before = before
    }

    func next() async throws -> [KafkaRecord]? {
        if let next = records.first { try await before(next.offset) }
        guard !records.isEmpty else { return nil }
        defer { records = records.dropFirst(batch) }
        return Array(records.prefix(batch))
    }
}

extension Conductor {
    /// Every session of a new store, which is built from the requests and events alone.
    /// - Parameters:
    ///   - requests: the requests that are there yet, by their offsets; by default all.
    ///   - shift: what their offsets are off by.
    ///   - events: the events that are there yet.
    ///   - thirds: how many thirds of each partition's events are there yet.
    ///   - scopes: what of each partition is built again; by default everything of all.
    ///   - trustsCommits: whether what was committed counts as settled.
    ///   - batch: how many records come at a time, and how many steps are worked out together.
    ///   - before: called with the offset of the event that comes next.
    ///   - onTurn: called with each turn before it is settled.
    func rebuild(
        _ agent: UnaskedAgent = UnaskedAgent(), into store: any SessionStore, requests: Range<Int64>? = nil,
        shiftingRequestsBy shift: Int64 = 0,
        events: Range<Int64>? = nil, thirds: Int = 3, scopes: [Int32: RebuildScope]? = nil, trustsCommits: Bool = true,
        batch: Int = 7, before: @escaping (Int64) async throws -> Void = { _ in },
        onTurn: (@Sendable (RecordedTurn) async throws -> Void)? = nil
    ) async throws -> RebuildReport {
        var report = RebuildReport()
        for partition in partitions {
            let scope = scopes?[partition]
            if scopes != nil, scope == nil { continue }
            let fence = try await store.takeFence(group: "g", cluster: "c1", topic: topic, partition: partition)
            let place = LogIdentity(cluster: "c1", topic: topic, partition: partition, epoch: 0)
            let requests = self.requests(in: partition)
                .filter { (requests?.contains($0.offset) ?? true) && $0.offset >= scope?.firstRequest ?? 0 }
                .map { record in
                    var record = record
                    record.offset += shift
                    return record
                }
            let there = log.events(partition)
            let events = there.prefix(there.count * thirds / 3)
                .filter { (events?.contains($0.offset) ?? true) && $0.offset >= scope?.firstEvent ?? 0 }
            let grant = PartitionGrant(assignment: 1, log: place, fence: fence, endOffset: Int64(requests.count))
            var rebuild = PartitionRebuild(
                grant, events: MemorySource(events, batch: batch, before: before),
                requests: MemorySource(requests, batch: batch),
                committed: trustsCommits ? watermark(of: partition) : 0, scope: scope, batch: batch, store: store,
                loop: TurnLoop(agent: agent, logger: Self.quiet), logger: Self.quiet, onTurn: onTurn)
            report.add(try await rebuild.run())
        }
        return report
    }

    /// Finds that the store is what one is that was built from the requests and events alone.
    func checkRebuild() async throws {
        guard isRebuildable else { return }
        let other = MemorySessionStore()
        let report = try await rebuild(UnaskedAgent(ownsHistory: ownsHistory), into: other)
        #expect(report.gaps == [])
        #expect(try await differences(from: other) == [])
        try await other.close()
        for part in 1...2 { try await checkCatchingUp(after: part) }
    }

    /// Finds that a store that has missed the last third of the events, or two thirds, comes to the same by what it lacks.
    private func checkCatchingUp(after thirds: Int) async throws {
        let agent = UnaskedAgent(ownsHistory: ownsHistory)
        let old = MemorySessionStore()
        _ = try await rebuild(agent, into: old, thirds: thirds, trustsCommits: false)
        let scopes = try await surveyed(old)
        let report = try await rebuild(agent, into: old, scopes: scopes)
        #expect(report.gaps == [], "after \(thirds) thirds")
        #expect(try await differences(from: old) == [], "after \(thirds) thirds")
        try await old.close()
    }

    /// What a store lacks of each partition that it lacks anything of.
    func surveyed(_ store: any SessionStore) async throws -> [Int32: RebuildScope] {
        var scopes: [Int32: RebuildScope] = [:]
        for partition in partitions {
            let place = LogIdentity(cluster: "c1", topic: topic, partition: partition, epoch: 0)
            var survey = StoreSurvey(store: store, log: place)
            try await survey.take(requests(in: partition))
            scopes[partition] = try await survey.scope()
        }
        return scopes
    }

    /// What the store has otherwise than another one, for the sessions that either of them has.
    func differences(from other: any SessionStore) async throws -> [SessionDifference] {
        var found: [SessionDifference] = []
        for id in Set(try await store.sessionIDs() + other.sessionIDs()).sorted() {
            let stored = try await store.loadSession(id)
            let expected = try await other.loadSession(id)
            found += SessionComparison.differences(
                id, stored, try await store.finalRuns(of: id), expected: expected, try await other.finalRuns(of: id),
                topic: topic, partition: stored?.positions.first?.log.partition ?? 0)
        }
        return found
    }
}

extension SessionStore {
    func sessionIDs() async throws -> [String] {
        try await listSessions(after: nil, limit: 1000).items.map(\.id)
    }

    func finalRuns(of session: String) async throws -> [StoredRun] {
        try await runs(of: session).filter(\.status.isFinal)
    }
}

/// An agent that must not be asked for anything.
struct UnaskedAgent: ChatAgent {
    let name = "unasked"
    var ownsHistory = false

    func run(_ turn: Turn) async throws { Issue.record("the agent was run") }

    func onBoot(_ event: BootEvent) async throws { Issue.record("onBoot was called") }

    func onValidateMessages(_ event: ValidationEvent) async throws -> Message {
        Issue.record("onValidateMessages was called")
        return event.message
    }
}
