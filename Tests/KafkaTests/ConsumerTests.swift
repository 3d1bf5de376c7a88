import Foundation
import Kafka
import Synchronization
import Testing
import TestSupport

@Suite("Consumer with manual assignment")
struct ConsumerTests {
    private static let partition = TopicPartition(topic: "topic", partition: 0)

    @Test("Every record comes once, in order, in batches of at most 1,000, and then the partition's end")
    func order() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 5_000)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(broker.bootstrapServers, delegate)
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 5_000 }
        #expect(delegate.records.map(\.offset) == Array(0..<5_000))
        #expect(delegate.records.map(\.text) == (0..<5_000).map { "\($0)" })
        for case .records(let batch) in delegate.events { #expect(batch.count <= 1_000) }
        #expect(delegate.events.last == .end(Self.partition, 5_000), "an end is told after the records before it")
        #expect(consumer.assignment == [Self.partition])
        #expect(consumer.groupMembership == .notJoined)
        await consumer.close()
    }

    @Test("Pausing stops the flow, resuming goes on without a gap, seeking goes back")
    func pauseResumeSeek() async throws {
        let broker = try TestBroker.mock()
        let servers = broker.bootstrapServers
        try await TestBroker.fill(servers, Self.partition, count: 10)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(servers, delegate)
        try consumer.assign([Self.partition: 4])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 10 }
        #expect(delegate.records.map(\.offset) == Array(4..<10))

        try consumer.pause([Self.partition])
        try await TestBroker.fill(servers, Self.partition, count: 5, from: 10)
        try await Task.sleep(for: .milliseconds(200))
        #expect(delegate.records.count == 6)
        try consumer.resume([Self.partition])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 15 }
        #expect(delegate.records.map(\.offset) == Array(4..<15))

        try await consumer.seek(Self.partition, to: 12, timeout: .seconds(60))
        try await eventually(timeout: .seconds(60)) { delegate.records.count == 14 }
        #expect(delegate.records.suffix(3).map(\.offset) == [12, 13, 14])
        #expect(throws: KafkaError.self) { try consumer.pause([TopicPartition(topic: "other", partition: 3)]) }
        await consumer.close()
    }

    @Test("Position, watermarks and lag follow what was handed over")
    func positions() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 20)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(broker.bootstrapServers, delegate)
        #expect(consumer.watermarks(of: Self.partition) == nil)
        #expect(consumer.lag(of: Self.partition) == nil)
        try consumer.assign([Self.partition: 5])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 20 }
        #expect(try consumer.position(of: Self.partition) == 20)
        #expect(consumer.watermarks(of: Self.partition)?.high == 20)
        #expect(consumer.lag(of: Self.partition) == 0)
        // The mock knows no times.
        #expect(try await consumer.offsets(for: [Self.partition: 0]) == [Self.partition: nil])
        #expect(try await consumer.queryWatermarks(of: Self.partition) == Watermarks(low: 0, high: 20))
        await consumer.close()
        #expect(consumer.assignment.isEmpty)
    }

    @Test("A start behind the end goes to the beginning")
    func outOfRange() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 3)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(broker.bootstrapServers, delegate)
        try consumer.assign([Self.partition: 50])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 3 }
        #expect(delegate.records.map(\.offset) == [0, 1, 2])
        await consumer.close()
    }

    @Test("Commits keep their metadata, synchronous and asynchronous alike")
    func commits() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 2])
        let other = TopicPartition(topic: "topic", partition: 1)
        let consumer = try TestBroker.consumer(broker.bootstrapServers, RecordingDelegate())
        #expect(try consumer.commit([:]) == [:])
        let first = try consumer.commit([Self.partition: CommittedOffset(offset: 7, metadata: "säven")])
        #expect(first == [Self.partition: nil])

        let second = try await withCheckedThrowingContinuation { continuation in
            consumer.commit([other: CommittedOffset(offset: 3)]) { continuation.resume(with: $0) }
        }
        #expect(second == [other: nil])
        let committed = try await consumer.committed([Self.partition, other])
        #expect(
            committed == [
                Self.partition: CommittedOffset(offset: 7, metadata: "säven"), other: CommittedOffset(offset: 3),
            ])
        let admin = try TestBroker.admin(broker.bootstrapServers)
        #expect(try await admin.committedOffsets(group: "group", partitions: [Self.partition, other]) == committed)
        await admin.close()
        await consumer.close()
    }

    @Test("A commit that the broker refuses says which partition and why")
    func refusedCommit() async throws {
        let broker = try TestBroker.mock()
        let consumer = try TestBroker.consumer(broker.bootstrapServers, RecordingDelegate())
        for code in [KafkaError.Code.unknownMember, KafkaError.Code.illegalGeneration] {
            try broker.pushErrors(.offsetCommit, codes: [code])
            do {
                let failures = try consumer.commit([Self.partition: CommittedOffset(offset: 1)])
                #expect((failures[Self.partition] ?? nil)?.isNoLongerOwner == true)
            } catch {
                #expect(error.isNoLongerOwner)
            }
        }
        #expect(try await consumer.committed([Self.partition]).isEmpty)
        await consumer.close()
    }

    @Test("A commit no broker answers ends at its timeout, and closing settles what is under way")
    func unansweredCommit() async throws {
        let broker = try TestBroker.mock()
        let consumer = try TestBroker.consumer(broker.bootstrapServers, RecordingDelegate())
        _ = try consumer.commit([Self.partition: CommittedOffset(offset: 1)])
        try broker.setBrokerDown()
        let error = #expect(throws: KafkaError.self) {
            try consumer.commit([Self.partition: CommittedOffset(offset: 2)], timeout: .milliseconds(100))
        }
        #expect(error?.isTimeout == true || error?.isBrokerAway == true)
        let settled = Mutex(0)
        consumer.commit([Self.partition: CommittedOffset(offset: 3)]) { _ in settled.withLock { $0 += 1 } }
        try broker.setBrokerUp()
        await consumer.close()
        #expect(settled.withLock { $0 } == 1)
        consumer.commit([Self.partition: CommittedOffset(offset: 3)]) { result in
            if case .failure(let error) = result, error.isClosed { settled.withLock { $0 += 1 } }
        }
        #expect(settled.withLock { $0 } == 2)
    }

    // The same against a real broker process is in `TansuTests`.
    @Test("The embedded broker's outage is an error to the delegate, and reading goes on when it is back")
    func brokersAway() async throws {
        let broker = try TestBroker.mock()
        let servers = broker.bootstrapServers
        try await TestBroker.fill(servers, Self.partition, count: 1)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(
            servers, delegate, ["reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100"])
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { delegate.records.count == 1 }
        try broker.setBrokerDown()
        try await eventually(timeout: .seconds(60)) { delegate.errors.contains { $0.isBrokerAway } }
        try broker.setBrokerUp()
        try await TestBroker.fill(servers, Self.partition, count: 1, from: 1)
        // The mock cluster does not tell a repeated produce request from a new one, so it may be there twice.
        try await eventually(timeout: .seconds(60)) { delegate.records.count >= 2 }
        await consumer.close()
    }

    @Test("A delegate that does not return shows in the time of the last poll")
    func lastPoll() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 1)
        let delegate = RecordingDelegate()
        let blocked = Mutex(true)
        delegate.onReceive { _ in while blocked.withLock({ $0 }) { usleep(1_000) } }
        let consumer = try TestBroker.consumer(broker.bootstrapServers, delegate)
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { !delegate.records.isEmpty }
        let stuck = consumer.lastPoll
        try await Task.sleep(for: .milliseconds(250))
        #expect(consumer.lastPoll == stuck)
        blocked.withLock { $0 = false }
        try await eventually(timeout: .seconds(60)) { consumer.lastPoll > stuck }
        await consumer.close()
    }

    @Test("Statistics come as JSON when they are asked for")
    func statistics() async throws {
        let broker = try TestBroker.mock()
        let consumer = try TestBroker.consumer(
            broker.bootstrapServers, RecordingDelegate(), ["statistics.interval.ms": "50"])
        try await eventually(timeout: .seconds(60)) { consumer.statistics?.hasPrefix("{") == true }
        await consumer.close()
    }

    @Test("Closing twice is closing once, and auto commit cannot be switched on")
    func closing() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 3)
        let delegate = RecordingDelegate()
        let consumer = try TestBroker.consumer(
            broker.bootstrapServers, delegate, ["enable.auto.commit": "true", "enable.auto.offset.store": "true"])
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { delegate.records.count == 3 }
        async let first: Void = consumer.close()
        async let second: Void = consumer.close()
        _ = await (first, second)
        await consumer.close()
        let closed = #expect(throws: KafkaError.self) { try consumer.subscribe(["topic"]) }
        #expect(closed?.isClosed == true)

        let next = try TestBroker.consumer(broker.bootstrapServers, RecordingDelegate())
        #expect(try await next.committed([Self.partition]).isEmpty)
        await next.close()
    }

    @Test("Wrong properties and a missing group are refused by name")
    func wrongProperties() throws {
        let missing = #expect(throws: KafkaError.self) {
            try KafkaConsumer(["bootstrap.servers": "x"], delegate: RecordingDelegate(), logger: TestBroker.logger)
        }
        #expect(missing?.reason.contains("group.id") == true)
        let wrong = #expect(throws: KafkaError.self) {
            try KafkaConsumer(
                ["group.id": "g", "auto.offset.reset": "sometimes"], delegate: RecordingDelegate(),
                logger: TestBroker.logger)
        }
        #expect(wrong?.reason.contains("auto.offset.reset") == true)
    }
}
