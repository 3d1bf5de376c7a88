import SessionStore
import Synchronization
import Testing

@Suite("Logs", .timeLimit(.minutes(1)))
struct LogConformanceTests {
    /// A broker's log that reaches from `start` up to, but not including, `end`, and the record at the settled offset.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let start: Int64
        let end: Int64
        let fingerprint: Int64?
        let isNewEpoch: Bool
        let looksAtRecord: Bool
    }

    /// Against a store in which offset 10 was settled, with fingerprint 100.
    static let cases = [
        Case(
            testDescription: "the same record", start: 0, end: 11, fingerprint: 100, isNewEpoch: false,
            looksAtRecord: true),
        Case(
            testDescription: "the same record at the log's start", start: 10, end: 50, fingerprint: 100,
            isNewEpoch: false, looksAtRecord: true),
        Case(
            testDescription: "another record", start: 0, end: 11, fingerprint: 101, isNewEpoch: true,
            looksAtRecord: true),
        Case(
            testDescription: "a record compacted away", start: 0, end: 11, fingerprint: nil, isNewEpoch: false,
            looksAtRecord: true),
        Case(
            testDescription: "a record deleted by retention", start: 11, end: 20, fingerprint: 1, isNewEpoch: false,
            looksAtRecord: false),
        Case(
            testDescription: "a log that ends before the record", start: 0, end: 10, fingerprint: 100,
            isNewEpoch: true, looksAtRecord: false),
        Case(
            testDescription: "an empty log", start: 0, end: 0, fingerprint: nil, isNewEpoch: true, looksAtRecord: false),
    ]

    @Test(
        "A log is recognised by its highest settled record",
        arguments: StoreImplementation.allCases, LogConformanceTests.cases)
    func recognition(implementation: StoreImplementation, log: Case) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            for offset: Int64 in [3, 10, 7] { _ = try await worker.settle("s\(offset)", offset: offset) }
            let asked = Mutex<[Int64]>([])
            func identify() async throws -> LogIdentification {
                try await store.identifyLog(
                    cluster: "cluster", topic: "requests", partition: 0, startOffset: log.start, endOffset: log.end
                ) { offset in
                    asked.withLock { $0.append(offset) }
                    return log.fingerprint
                }
            }
            let found = try await identify()
            #expect(found.isNewEpoch == log.isNewEpoch)
            #expect((found.reason != nil) == log.isNewEpoch)
            #expect(found.log.epoch == (log.isNewEpoch ? 1 : 0))
            #expect(asked.withLock { $0 } == (log.looksAtRecord ? [10] : []))
            // What was found stays so: a new epoch has no settled offset yet.
            let again = try await identify()
            #expect(again.log == found.log && !(again.isNewEpoch && log.isNewEpoch))
        }
    }

    @Test("A log that the store has not seen is epoch 0 and needs no look", arguments: StoreImplementation.allCases)
    func firstSight(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            for _ in 0..<2 {
                let found = try await store.identifyLog(
                    cluster: "cluster", topic: "requests", partition: 3, startOffset: 0, endOffset: 0
                ) { _ in
                    Issue.record("there is no record to look at")
                    return nil
                }
                let log = LogIdentity(cluster: "cluster", topic: "requests", partition: 3, epoch: 0)
                #expect(found == LogIdentification(log: log, isNewEpoch: false, reason: nil))
            }
        }
    }

    @Test("A settlement in an older epoch does not count for the newer one", arguments: StoreImplementation.allCases)
    func lateSettlement(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let old = try await Worker(store)
            _ = try await old.settle("s", offset: 10)
            func identify(end: Int64) async throws -> LogIdentification {
                try await store.identifyLog(
                    cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: end
                ) { $0 * 10 }
            }
            #expect(try await identify(end: 5).log.epoch == 1)
            #expect(try await old.settle("t", offset: 12) == .written(revision: 1))
            #expect(try await identify(end: 5).log.epoch == 1)
            var new = old
            new.log = LogIdentity(cluster: "cluster", topic: "requests", partition: 0, epoch: 1)
            #expect(try await new.settle("s", revision: 1, offset: 0) == .written(revision: 2))
            #expect(try await identify(end: 1).log.epoch == 1)
            #expect(try await identify(end: 0).log.epoch == 2)
        }
    }

    @Test("A settlement without a fingerprint does not count", arguments: StoreImplementation.allCases)
    func withoutFingerprint(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 10) { $0.fingerprint = nil }
            let found = try await store.identifyLog(
                cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: 3
            ) { _ in nil }
            #expect(!found.isNewEpoch)
            #expect(try await store.knownClusters(topic: "requests") == [])
        }
    }

    @Test(
        "A log that is settled while its record is looked at is judged by what was settled",
        arguments: StoreImplementation.allCases)
    func settledMeanwhile(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            let worker = try await Worker(store)
            _ = try await worker.settle("s", offset: 10)
            let found = try await store.identifyLog(
                cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: 50
            ) { offset in
                // The first look finds another record; by then offset 20 is settled, and its record is the right one.
                guard offset == 10 else { return offset * 10 }
                _ = try? await worker.settle("t", offset: 20)
                return 1
            }
            #expect(!found.isNewEpoch)
        }
    }

    @Test("Workers that find a new log at the same time agree on its epoch", arguments: StoreImplementation.allCases)
    func agreement(implementation: StoreImplementation) async throws {
        try await implementation.withStores(2) { stores in
            _ = try await Worker(stores[0]).settle("s", offset: 10)
            let epochs = try await withThrowingTaskGroup(of: Int64.self) { group in
                for index in 0..<10 {
                    let store = stores[index % 2]
                    group.addTask {
                        try await store.identifyLog(
                            cluster: "cluster", topic: "requests", partition: 0, startOffset: 0, endOffset: 0
                        ) { _ in nil }.log.epoch
                    }
                }
                return try await group.reduce(into: Set()) { $0.insert($1) }
            }
            #expect(epochs == [1])
        }
    }

    @Test("The clusters that a topic was settled in are known", arguments: StoreImplementation.allCases)
    func clusters(implementation: StoreImplementation) async throws {
        try await implementation.withStore { store in
            for cluster in ["b", "a"] {
                for partition: Int32 in [0, 1] {
                    let worker = try await Worker(store, partition: partition, cluster: cluster)
                    _ = try await worker.settle("\(cluster)\(partition)")
                }
            }
            _ = try await store.identifyLog(
                cluster: "c", topic: "requests", partition: 0, startOffset: 0, endOffset: 0
            ) { _ in nil }
            #expect(try await store.knownClusters(topic: "requests") == ["a", "b"])
            #expect(try await store.knownClusters(topic: "other") == [])
        }
    }
}
