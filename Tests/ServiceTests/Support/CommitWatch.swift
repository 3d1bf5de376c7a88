import Kafka
import SessionStore
import TestSupport

/// Looks again and again at the group's committed offsets, and each time one has passed a request, whether that request
/// is settled: invariant 1, from outside.
///
/// The offset is read before the store. What is settled stays settled, so a request that is not settled after the look
/// at the offset was not when it was passed.
actor CommitWatch {
    private let cluster: Cluster
    private var unsettled: Set<SentRequest> = []
    private(set) var committed: [Int32: Int64] = [:]
    private(set) var looks = 0
    private var failure: (any Error)?
    private var task: Task<Void, Never>?

    init(_ cluster: Cluster) {
        self.cluster = cluster
    }

    deinit {
        task?.cancel()
    }

    func start() {
        task = Task { [weak self] in
            while !Task.isCancelled {
                await self?.look()
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }

    func add(_ requests: [SentRequest]) {
        unsettled.formUnion(requests)
    }

    /// Waits until everything that was sent is committed, and looks once more.
    /// - Throws: a ``Discrepancy`` if a commit was ever ahead, or did not come in time.
    func waitForAll(_ requests: [SentRequest], timeout: Duration) async throws {
        var ends: [Int32: Int64] = [:]
        for request in requests {
            ends[request.partition.partition] = max(ends[request.partition.partition] ?? 0, request.offset + 1)
        }
        do {
            try await eventually(timeout: timeout, every: .milliseconds(20)) {
                if let failure { throw failure }
                return ends.allSatisfy { committed[$0.key] ?? 0 >= $0.value }
            }
        } catch is NeverHappened {
            throw Discrepancy("the committed offsets after \(timeout)", expected: ends, came: committed)
        }
        try require("the committed offsets", committed.filter { ends[$0.key] != nil }, equals: ends)
    }

    /// Ends the watch.
    /// - Throws: the ``Discrepancy`` if a commit was ever ahead of what was settled.
    func finish() async throws {
        task?.cancel()
        await task?.value
        if let failure { throw failure }
        guard looks > 0 else { throw Discrepancy("looks at the committed offsets", expected: "some", came: 0) }
    }

    private func look() async {
        guard failure == nil else { return }
        let offsets: [TopicPartition: CommittedOffset]
        do {
            let all = (0..<Int32(cluster.partitions)).map {
                TopicPartition(topic: cluster.requestsTopic, partition: $0)
            }
            offsets = try await cluster.admin.committedOffsets(
                group: cluster.name, partitions: all, timeout: .seconds(2))
        } catch {
            // A broker that is busy has shown nothing; the next look will.
            return
        }
        do {
            try await check(offsets)
            looks += 1
        } catch {
            failure = error
        }
    }

    private func check(_ offsets: [TopicPartition: CommittedOffset]) async throws {
        let passed = unsettled.filter { $0.offset < offsets[$0.partition]?.offset ?? 0 }
        var suspects: [SentRequest] = []
        for (session, requests) in Dictionary(grouping: passed, by: \.session) {
            let stored = if let session { try await cluster.store.loadSession(session) } else { nil as StoredSession? }
            for request in requests {
                if stored?.hasSettled(request) == true {
                    unsettled.remove(request)
                } else {
                    suspects.append(request)
                }
            }
        }
        if !suspects.isEmpty { try await checkDeadLetters(suspects) }
        for (partition, offset) in offsets { committed[partition.partition] = offset.offset }
    }

    private func checkDeadLetters(_ suspects: [SentRequest]) async throws {
        let letters = Set(
            try await cluster.deadLetters().compactMap { letter in
                letter.headerString("kafka_dlt-original-partition").flatMap { partition in
                    letter.headerString("kafka_dlt-original-offset").map { "\(partition)/\($0)" }
                }
            })
        for request in suspects {
            guard letters.contains("\(request.partition.partition)/\(request.offset)") else {
                throw Discrepancy(
                    "invariant 1, no commit ahead of a checkpoint",
                    expected:
                        "the request at \(request.partition), offset \(request.offset), settled once it is passed",
                    came: "a committed offset beyond it, and neither a checkpoint nor a dead letter")
            }
            unsettled.remove(request)
        }
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
