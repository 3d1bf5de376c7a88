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

    /// - Parameter progress: told the counts now and then.
    /// - Throws: ``CommandFailure`` if somebody else takes the partition; what the brokers and the store say.
    func run(_ partition: Int32, _ range: ReplayRange, _ progress: (Counts) -> Void) async throws -> Counts {
        let topic = TopicPartition(topic: source.settings.requestsTopic, partition: partition)
        var grant = try await source.grant(topic, store)
        grant.assignment = Int64(partition) + 1
        host.send(.park(try await store.parkedSessions()))
        host.send(.grant(grant))
        let start: StartOffset = if case .offset(let offset) = range.from { .at(offset) } else { .beginning }
        let records = try await KafkaRecordSource(
            topic, from: start, properties: source.properties, logger: source.logger)
        var counts = Counts()
        let began = ContinuousClock.now
        do {
            var settled = SettledOffsets(store: store, log: grant.log)
            reading: while let batch = try await records.next() {
                for record in batch {
                    if range.isOver(offset: record.offset) { break reading }
                    try await take(record, range, grant, &settled, &counts)
                }
                progress(counts)
            }
            host.send(.caughtUp(assignment: grant.assignment))
            try await wait { $0.outstanding.isEmpty }
            host.send(.revoke(assignments: [grant.assignment], grace: .seconds(30)))
            try await wait { $0.hasYielded }
            state.withLock { $0.hasYielded = false }
            counts.seconds = (ContinuousClock.now - began).inSeconds
        } catch {
            await records.close()
            throw error
        }
        await records.close()
        return counts
    }

    private func take(
        _ record: KafkaRecord, _ range: ReplayRange, _ grant: PartitionGrant, _ settled: inout SettledOffsets,
        _ counts: inout Counts
    ) async throws {
        counts.read += 1
        guard let session = record.keyString, let key = record.key,
            range.contains(session, offset: record.offset, time: record.timestamp)
        else { return }
        if try await settled.contains(record.offset, of: session) {
            counts.passed += 1
            return
        }
        guard (try? SessionID.validate(key)) != nil, let request = try? record.decodedRequest() else {
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

/// Up to where sessions are settled in a log, looked up once for each.
private struct SettledOffsets {
    let store: any SessionStore
    let log: LogIdentity
    private var known: [String: (position: Int64, ahead: Set<Int64>)] = [:]

    init(store: any SessionStore, log: LogIdentity) {
        self.store = store
        self.log = log
    }

    mutating func contains(_ offset: Int64, of session: String) async throws -> Bool {
        if known[session] == nil {
            // The log that was settled in last comes first; what a session has said is not looked at.
            var stored = try await store.sessionHead(session)
            if stored?.positions.first?.log != log { stored = try await store.loadSession(session) }
            let ahead = stored?.appliedAhead.filter { $0.log == log }.map(\.offset) ?? []
            known[session] = (stored?.positions.first { $0.log == log }?.offset ?? -1, Set(ahead))
        }
        guard let found = known[session] else { return false }
        return offset <= found.position || found.ahead.contains(offset)
    }
}
