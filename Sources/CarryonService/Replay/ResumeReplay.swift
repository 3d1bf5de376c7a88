import Conversation
import Kafka
import Logging
import SessionStore
import Synchronization
import TurnHost

/// Settles what the requests topic has and the store never settled, in this process; what is settled is passed over. No
/// offset is committed: the group's workers pass over the same requests.
final class ResumeReplay: Sendable {
    struct Counts: Sendable {
        /// Requests of the range.
        var read = 0
        var passed = 0
        var settled = 0
        /// What is no request: it was set aside when it first came.
        var undecodable = 0
        /// How long that took.
        var seconds = 0.0
    }

    private struct State {
        var outstanding: Set<Int64> = []
        var nextEntry: Int64 = 0
        var isFenced = false
        var hasYielded = false
    }

    /// So many requests are on their way at a time.
    private static let ahead = 1_024

    private let source: TopicRebuild
    private let store: any SessionStore
    private let host: TurnHost
    private let state: Mutex<State>
    private let change: AsyncStream<Void>.Continuation
    private let changes: AsyncStream<Void>

    init(_ source: TopicRebuild, _ invocation: Invocation, store: any SessionStore) throws {
        self.source = source
        self.store = store
        let reports = ReportRelay()
        let setup = HostSetup(settings: source.settings, agent: try source.settings.readAgent(), faults: [])
        host = try setup.makeHost(hostID: "resume-\(wallClock())", invocation.makeAgent) { reports.pass($0) }
        state = Mutex(State())
        (changes, change) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        reports.connect { [weak self] in self?.take($0) }
        host.send(.configure(hostID: "resume", settings: []))
    }

    private func take(_ report: HostReport) {
        state.withLock { state in
            switch report {
            case .settled(let entries): state.outstanding.subtract(entries)
            case .fenced: state.isFenced = true
            case .yielded: state.hasYielded = true
            case .ready, .began, .vitals, .counted: break
            }
        }
        change.yield()
    }

    /// - Throws: ``CommandFailure`` if somebody else takes the partition; what the brokers and the store say.
    func run(_ partition: Int32, _ range: ReplayRange) async throws -> Counts {
        let began = ContinuousClock.now
        let topic = TopicPartition(topic: source.settings.requestsTopic, partition: partition)
        var survey = StoreSurvey(store: store, log: try await source.grant(topic, store).log)
        try await forEachBatch(of: topic, range, from: range.firstOffset) { try await survey.take($0) }
        var counts = Counts(read: survey.read, passed: survey.settled, undecodable: survey.undecodable)
        if let first = survey.first {
            if let scope = try await survey.scope() { try await rebuild(partition, scope) }
            try await settle(topic, range, from: first, &counts)
        }
        counts.seconds = (ContinuousClock.now - began).inSeconds
        return counts
    }

    /// Brings into the store what the events say is settled: what was answered already must not be answered twice. What
    /// was only committed has not been.
    private func rebuild(_ partition: Int32, _ scope: RebuildScope) async throws {
        do {
            try await source.rebuild(partition, into: store, scope: scope, trustsCommits: false)
        } catch let misplaced as RebuildScope.Misplaced {
            source.logger.notice(
                "All events are read, as some are not where the store has them.",
                metadata: ["partition": "\(partition)", "reason": "\(misplaced)"])
            try await source.rebuild(partition, into: store, scope: scope.readingAllEvents, trustsCommits: false)
        }
    }

    /// Reads the range's requests, with progress on standard error.
    private func forEachBatch(
        of topic: TopicPartition, _ range: ReplayRange, from first: Int64,
        _ body: ([KafkaRecord]) async throws -> Void
    ) async throws {
        let marks = try await source.admin.watermarks(topic)
        let first = max(first, marks.low)
        let meter = ProgressMeter(
            "partition \(topic.partition)", unit: "requests", total: Int(max(marks.high - first, 0)))
        defer { meter.finish() }
        let records = try await KafkaRecordSource(
            topic, from: .at(first), properties: source.properties, logger: source.logger)
        var count = 0
        do {
            while let batch = try await records.next(), let last = batch.last {
                try await body(batch.filter(range.contains))
                if range.isOver(offset: last.offset) { break }
                count += batch.count
                meter.reached(count)
            }
        } catch {
            await records.close()
            throw error
        }
        await records.close()
    }

    /// Carries out what is not settled now, from an offset on.
    private func settle(
        _ topic: TopicPartition, _ range: ReplayRange, from first: Int64, _ counts: inout Counts
    ) async throws {
        var grant = try await source.grant(topic, store)
        grant.assignment = Int64(topic.partition) + 1
        host.send(.park(try await store.parkedSessions()))
        host.send(.grant(grant))
        var settled = SettledOffsets(store: store, log: grant.log)
        try await forEachBatch(of: topic, range, from: first) { batch in
            try await settled.learn(batch)
            for record in batch { try await take(record, grant, settled, &counts) }
        }
        host.send(.caughtUp(assignment: grant.assignment))
        try await wait { $0.outstanding.isEmpty }
        host.send(.revoke(assignments: [grant.assignment], grace: .seconds(30)))
        try await wait { $0.hasYielded }
        state.withLock { $0.hasYielded = false }
    }

    private func take(
        _ record: KafkaRecord, _ grant: PartitionGrant, _ settled: SettledOffsets, _ counts: inout Counts
    ) async throws {
        counts.read += 1
        if let session = record.keyString, settled.contains(record.offset, of: session) {
            counts.passed += 1
            return
        }
        guard let (session, request) = record.sessionRequest else {
            counts.undecodable += 1
            return
        }
        let isFull = state.withLock { $0.outstanding.count >= Self.ahead }
        if isFull {
            // Nobody may wait for what is not read because of himself.
            host.send(.caughtUp(assignment: grant.assignment))
            try await wait { $0.outstanding.count < Self.ahead / 2 }
        }
        let entry = state.withLock { state in
            state.nextEntry += 1
            state.outstanding.insert(state.nextEntry)
            return state.nextEntry
        }
        host.send(
            .dispatch([
                Dispatch(entry: entry, assignment: grant.assignment, session: session, record: record, request: request)
            ]))
        counts.settled += 1
    }

    private func wait(until condition: (State) -> Bool) async throws {
        var isDone = state.withLock { condition($0) }
        var iterator = changes.makeAsyncIterator()
        while !isDone {
            if state.withLock({ $0.isFenced }) {
                throw CommandFailure(
                    .failed, "somebody else has taken the partition; stop every worker, and begin again")
            }
            guard await iterator.next() != nil else { throw CancellationError() }
            isDone = state.withLock { condition($0) }
        }
    }

    func close() {
        host.close()
    }
}
