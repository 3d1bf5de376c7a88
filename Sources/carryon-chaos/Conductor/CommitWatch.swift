import Kafka
import SessionStore
import Synchronization

/// Looks again and again at the group's committed offsets, and each time one has passed a request, whether that request
/// is settled.
///
/// The offset is read before the store: what is settled stays settled, so a request that is not settled after the look
/// was not when it was passed.
final class CommitWatch: Sendable {
    private struct State {
        var unsettled: [TopicPartition: [SentRequest]] = [:]
        var committed: [TopicPartition: Int64] = [:]
        var looks = 0
        var rewinds = 0
        var findings: [Finding] = []
    }

    private let stage: Stage
    private let state = Mutex(State())

    init(_ stage: Stage) {
        self.stage = stage
    }

    var looks: Int { state.withLock { $0.looks } }
    /// How often a committed offset was lower than before. It costs a look at requests that are settled, and nothing else:
    /// a commit that waited for a broker in librdkafka is sent when the broker is back, whoever has committed since.
    var rewinds: Int { state.withLock { $0.rewinds } }
    var committed: [TopicPartition: Int64] { state.withLock { $0.committed } }
    var findings: [Finding] { state.withLock { $0.findings } }

    func add(_ request: SentRequest) {
        state.withLock { $0.unsettled[request.partition, default: []].append(request) }
    }

    /// Looks until it is cancelled.
    func run() async {
        while !Task.isCancelled {
            await look()
            try? await Task.sleep(for: .milliseconds(100))
        }
    }

    /// One look. A broker or a store that is away has shown nothing; the next look will.
    func look() async {
        do {
            // A request that times out while its broker stands still can end the process in librdkafka 2.0.2, with
            // "Assertion `eonce->refcnt > 0' failed": longer than any fault lasts.
            let offsets = try await stage.admin.committedOffsets(
                group: Stage.name, partitions: stage.requestPartitions, timeout: .seconds(30))
            for (partition, offset) in offsets.mapValues(\.offset) { try await check(partition, offset) }
            state.withLock { $0.looks += 1 }
        } catch {
            return
        }
    }

    private func check(_ partition: TopicPartition, _ offset: Int64) async throws {
        let (before, passed) = state.withLock { state in
            (state.committed[partition] ?? 0, (state.unsettled[partition] ?? []).filter { $0.offset < offset })
        }
        var suspects: [SentRequest] = []
        for (session, requests) in Dictionary(grouping: passed, by: \.session) {
            let stored = try await stage.store.loadSession(session)
            suspects += requests.filter { stored?.hasSettled($0) != true }
        }
        let lettered = suspects.isEmpty ? [] : try await lettered()
        state.withLock { state in
            state.committed[partition] = offset
            if offset < before { state.rewinds += 1 }
            for request in suspects where !lettered.contains([Int64(partition.partition), request.offset]) {
                // A stop that found no turn leaves no trace.
                if case .stop = request.role { continue }
                state.findings.append(
                    Finding(
                        .commit, request.session, step: request.step, "the request at \(partition), \(request.offset)",
                        expected: "it settled before the committed offset \(offset) passed it",
                        came: "neither a checkpoint nor a dead letter")
                )
            }
            let done = Set(passed)
            state.unsettled[partition]?.removeAll { done.contains($0) }
        }
    }

    private func lettered() async throws -> Set<[Int64]> {
        Set(
            try await stage.records(on: Stage.deadLetters).compactMap { letter in
                guard let partition = letter.headerString("kafka_dlt-original-partition").flatMap({ Int64($0) }),
                    let offset = letter.headerString("kafka_dlt-original-offset").flatMap({ Int64($0) })
                else { return nil }
                return [partition, offset]
            })
    }
}

extension StoredSession {
    /// Whether the request's effect is in the session.
    func hasSettled(_ request: SentRequest) -> Bool {
        func isSameLog(_ position: LogPosition) -> Bool {
            position.log.topic == request.partition.topic && position.log.partition == request.partition.partition
        }
        return positions.contains { isSameLog($0) && $0.offset >= request.offset }
            || appliedAhead.contains { isSameLog($0) && $0.offset == request.offset }
    }
}
