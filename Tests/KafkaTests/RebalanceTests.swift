import Foundation
import Kafka
import Synchronization
import Testing
import TestSupport

@Suite("Group membership on the embedded broker")
struct RebalanceTests {
    private static let all = Set((0..<4).map { TopicPartition(topic: "topic", partition: $0) })

    @Test(
        "Partitions move to a second member and back, and nothing is owned twice",
        arguments: ["range", "cooperative-sticky"])
    func twoMembers(strategy: String) async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        let properties: KafkaProperties = ["partition.assignment.strategy": strategy]
        let (first, second) = (RecordingDelegate(), RecordingDelegate())
        let one = try TestBroker.consumer(broker.bootstrapServers, first, properties)
        try one.subscribe(["topic"])
        #expect(one.groupMembership == .joining)
        try await eventually(timeout: .seconds(60)) { first.owned == Self.all }
        #expect(one.groupMembership == .member)
        #expect(one.memberID != nil)

        // Committing in the callback is what a revoke is for.
        let commits = Mutex<[TopicPartition: KafkaError?]>([:])
        first.onRevoke { [weak one] partitions in
            let offsets = Dictionary(uniqueKeysWithValues: partitions.map { ($0, CommittedOffset(offset: 5)) })
            guard let failures = try? one?.commit(offsets) else { return }
            commits.withLock { $0.merge(failures) { $1 } }
        }
        try one.pause(Self.all)
        let two = try TestBroker.consumer(broker.bootstrapServers, second, properties)
        try two.subscribe(["topic"])
        try await eventually(timeout: .seconds(40)) {
            #expect(first.owned.isDisjoint(with: second.owned))
            return first.owned.count == 2 && second.owned == Self.all.subtracting(first.owned)
        }
        #expect(first.lost.isEmpty && second.lost.isEmpty)
        let moved = strategy == "range" ? Self.all : second.owned
        #expect(commits.withLock { Set($0.keys) } == moved)

        await two.close()
        #expect(second.owned.isEmpty)
        try await eventually(timeout: .seconds(40)) { first.owned == Self.all }
        #expect(Set(one.assignment) == Self.all)

        // What was taken away while paused, and came back, flows again.
        let returned = try #require(moved.first)
        try await TestBroker.fill(broker.bootstrapServers, returned, count: 6)
        try await eventually(timeout: .seconds(60)) { first.records.contains { $0.topicPartition == returned } }
        await one.close()
        #expect(first.owned.isEmpty)
        #expect(one.groupMembership == .notJoined)
    }

    @Test("A member that leaves before it was assigned anything takes nobody with it")
    func leavesEarly() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        // The group never gets further than that its members have joined.
        let rebalanceInProgress = Array(repeating: KafkaError.Code.rebalanceInProgress, count: 1_000)
        let syncGroup: Int16 = 14
        try broker.pushErrors(apiKey: syncGroup, codes: rebalanceInProgress)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(
            broker.bootstrapServers, delegate, ["partition.assignment.strategy": "cooperative-sticky"])
        try consumer.subscribe(["topic"])
        try await eventually(timeout: .seconds(30)) { consumer.memberID != nil }
        await consumer.close()
        #expect(delegate.owned.isEmpty)
        #expect(consumer.groupMembership == .notJoined)
    }

    @Test("A member that stops polling loses its partitions, is told so, and cannot commit for them")
    func lost() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(
            broker.bootstrapServers, delegate, ["max.poll.interval.ms": "6000", "session.timeout.ms": "6000"])
        try await TestBroker.fill(broker.bootstrapServers, TopicPartition(topic: "topic", partition: 0), count: 1)
        let release = Mutex(false)
        delegate.onReceive { _ in while !release.withLock({ $0 }) { usleep(10_000) } }
        try consumer.subscribe(["topic"])
        try await eventually(timeout: .seconds(60)) { !delegate.records.isEmpty }
        // A synchronous commit counts as a poll, so there must be more than max.poll.interval.ms between two.
        try await eventually(timeout: .seconds(30), every: .seconds(8)) {
            guard let failures = try? await Self.commitElsewhere(consumer) else { return true }
            return failures.values.contains { $0 != nil }
        }
        #expect(delegate.lost.isEmpty, "it is told on the poll thread, which is blocked")
        release.withLock { $0 = true }
        try await eventually(timeout: .seconds(60)) { Set(delegate.lost) == Self.all }
        #expect(delegate.errors.contains { $0.code == KafkaError.Code.maxPollExceeded })
        await consumer.close()
    }

    /// Not on the cooperative pool, since the call blocks.
    private static func commitElsewhere(_ consumer: KafkaConsumer) async throws -> [TopicPartition: KafkaError?] {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                let offsets = [TopicPartition(topic: "topic", partition: 0): CommittedOffset(offset: 1)]
                continuation.resume(with: Result { try consumer.commit(offsets, timeout: .seconds(2)) })
            }
        }
    }

    @Test("A heartbeat refused as an unknown member's is a loss, and the member joins again by itself")
    func unknownMember() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(broker.bootstrapServers, delegate)
        try consumer.subscribe(["topic"])
        try await eventually(timeout: .seconds(60)) { delegate.owned == Self.all }
        try broker.pushErrors(.heartbeat, codes: [KafkaError.Code.unknownMember])
        try await eventually(timeout: .seconds(60)) { Set(delegate.lost) == Self.all }
        try await eventually(timeout: .seconds(60)) { delegate.owned == Self.all }
        #expect(consumer.groupMembership == .member)
        await consumer.close()
    }

    @Test("A fenced static member is told once, as fatal, and its membership says so")
    func fenced() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(
            broker.bootstrapServers, delegate, ["group.instance.id": "one"])
        try consumer.subscribe(["topic"])
        try await eventually(timeout: .seconds(60)) { delegate.owned == Self.all }
        try broker.pushErrors(.heartbeat, codes: [KafkaError.Code.fencedInstance])
        try await eventually(timeout: .seconds(60)) { delegate.errors.contains { $0.isFatal } }
        guard case .fenced(let error) = consumer.groupMembership else {
            Issue.record("membership is \(consumer.groupMembership)")
            return
        }
        #expect(error.code == KafkaError.Code.fencedInstance)
        #expect(consumer.fatal == error)
        await consumer.close()
        #expect(delegate.errors.count { $0.isFatal } == 1)
    }
}
