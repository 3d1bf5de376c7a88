import Kafka
import Synchronization
import Testing
import TestSupport

@Suite("Against a real broker", .enabled(if: Tansu.isAvailable))
struct TansuTests {
    private static let partition = TopicPartition(topic: "topic", partition: 0)
    private static let patient: KafkaProperties = [
        "reconnect.backoff.ms": "20", "reconnect.backoff.max.ms": "100", "socket.timeout.ms": "2000",
    ]

    private static func consumer(
        _ broker: Tansu, _ delegate: RecordingDelegate, group: String = "group", _ others: KafkaProperties = [:]
    ) throws -> KafkaConsumer {
        let properties: KafkaProperties = ["bootstrap.servers": broker.bootstrapServers, "group.id": group]
        return try KafkaConsumer(
            properties.merging(Tansu.consumerProperties).merging(patient).merging(others), delegate: delegate,
            logger: TestBroker.logger)
    }

    @Test("Keys, values, headers, offsets and the partition's end come back as they were written")
    func fidelity() async throws {
        let broker = try await Tansu.start(topics: ["topic": 2])
        let headers = [
            KafkaHeader("a", "1"), KafkaHeader("a", "2"), KafkaHeader(name: "null", value: nil),
            KafkaHeader(name: "bytes", value: [0, 255]),
        ]
        let producer = try TestBroker.producer(broker.bootstrapServers)
        let offsets = await producer.send([
            ProducerRecord(topic: "topic", partition: 0, key: [1, 0, 2], value: [255, 0], headers: headers),
            ProducerRecord(topic: "topic", partition: 0, key: nil as [UInt8]?, value: nil),
            ProducerRecord(topic: "topic", partition: 0, key: "k", value: "v"),
        ])
        #expect(try offsets.map { try $0.get() } == [0, 1, 2])
        await producer.close()

        let delegate = RecordingDelegate()
        let consumer = try Self.consumer(broker, delegate)
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 3 }
        let read = delegate.records
        #expect(read.map(\.key) == [[1, 0, 2], nil, Array("k".utf8)])
        #expect(read.map(\.value) == [[255, 0], nil, Array("v".utf8)])
        #expect(read.first?.headers == headers)
        #expect(consumer.lag(of: Self.partition) == 0)
        #expect(consumer.watermarks(of: Self.partition)?.high == 3)
        await consumer.close()
    }

    @Test("Beside a writer that does not pause, reading comes to the end that there was when it began")
    func busy() async throws {
        let broker = try await Tansu.start(topics: ["topic": 1])
        let servers = broker.bootstrapServers
        try await TestBroker.fill(servers, Self.partition, count: 100)
        // A fetch waits longer than the writer does, so that none ever finds nothing.
        let reader = try KafkaReader(
            ["bootstrap.servers": servers, "fetch.wait.max.ms": "500"], logger: TestBroker.logger)
        let writer = Task {
            let producer = try TestBroker.producer(servers)
            while !Task.isCancelled {
                _ = try await producer.send(ProducerRecord(topic: "topic", partition: 0, key: "k", value: "v"))
            }
            await producer.close()
        }
        defer { writer.cancel() }
        let reached = try await within(.seconds(30)) {
            try await reader.read(from: [Self.partition: .beginning], untilEnd: true) { _ in .proceed }
        }
        #expect(reached[Self.partition] ?? 0 >= 100)
        await reader.close()
    }

    @Test("Topics are created, listed and deleted, and a second creation is told from other errors")
    func topics() async throws {
        let broker = try await Tansu.start()
        let admin = try TestBroker.admin(broker.bootstrapServers)
        try await admin.createTopic(name: "six", partitions: 6)
        #expect(try await admin.topics(["six", "absent"]) == ["six": 6])
        let again = await #expect(throws: KafkaError.self) {
            try await admin.createTopic(name: "six", partitions: 6)
        }
        #expect(again?.isTopicAlreadyThere == true)
        try await admin.deleteTopic("six")
        #expect(try await admin.topics(["six"]).isEmpty)
        #expect(try await admin.clusterID()?.isEmpty == false)
        await admin.close()
    }

    @Test("Offsets are found by the time they were written")
    func times() async throws {
        let broker = try await Tansu.start(topics: ["topic": 1])
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 2)
        try await Task.sleep(for: .milliseconds(30))
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 2, from: 2)
        let delegate = RecordingDelegate()
        let consumer = try Self.consumer(broker, delegate)
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { delegate.records.count == 4 }
        let third = delegate.records[2].timestamp
        let found = try await consumer.offsets(for: [Self.partition: third])
        #expect(found == [Self.partition: 2])
        await consumer.close()
    }

    @Test("Cut and stalled connections lose and double nothing of an idempotent producer")
    func idempotence() async throws {
        let broker = try await Tansu.start(topics: ["topic": 1])
        let producer = try TestBroker.producer(broker.bootstrapServers, Self.patient)
        _ = try await producer.send(ProducerRecord(topic: "topic", partition: 0, key: nil, value: "first"))
        let failures = Mutex<[KafkaError]>([])
        for number in 0..<2_000 {
            producer.produce(ProducerRecord(topic: "topic", partition: 0, key: nil, value: "\(number)")) { result in
                if case .failure(let error) = result { failures.withLock { $0.append(error) } }
            }
            if number % 500 == 250 {
                broker.relay.stall()
                try await Task.sleep(for: .milliseconds(20))
                broker.relay.resume()
                broker.relay.cutAll()
            }
            if number % 50 == 0 { try await Task.sleep(for: .milliseconds(1)) }
        }
        #expect(await producer.flush(timeout: .seconds(20)))
        #expect(failures.withLock { $0 }.isEmpty)
        await producer.close()
        let reader = try KafkaReader(
            ["bootstrap.servers": broker.bootstrapServers, "fetch.wait.max.ms": "50"], logger: TestBroker.logger)
        var texts: [String] = []
        _ = try await reader.read(from: [Self.partition: .beginning], untilEnd: true) { records in
            texts += records.compactMap(\.text)
            return .proceed
        }
        #expect(texts == ["first"] + (0..<2_000).map { "\($0)" })
        await reader.close()
    }

    @Test("A frozen broker is a timeout, and everything goes on when it thaws")
    func frozen() async throws {
        let broker = try await Tansu.start(topics: ["topic": 1])
        let producer = try TestBroker.producer(broker.bootstrapServers, Self.patient)
        _ = try await producer.send(ProducerRecord(topic: "topic", partition: 0, key: nil, value: "a"))
        let admin = try TestBroker.admin(broker.bootstrapServers)
        broker.stop()
        let error = await #expect(throws: KafkaError.self) { try await admin.topics(timeout: .milliseconds(300)) }
        #expect(error?.isTimeout == true || error?.isBrokerAway == true)
        async let offset = producer.send(ProducerRecord(topic: "topic", partition: 0, key: nil, value: "b"))
        try await Task.sleep(for: .milliseconds(50))
        #expect(producer.outstanding == 1)
        broker.resume()
        #expect(try await offset == 1)
        #expect(try await admin.topics(["topic"]) == ["topic": 1])
        await admin.close()
        await producer.close()
    }

    @Test("A broker that refuses connections is an error to the delegate, not a trap")
    func refused() async throws {
        let broker = try await Tansu.start(topics: ["topic": 1])
        let delegate = RecordingDelegate()
        let consumer = try Self.consumer(broker, delegate)
        try consumer.assign([Self.partition: .beginning])
        try await eventually(timeout: .seconds(60)) { delegate.ends[Self.partition] == 0 }
        broker.relay.refuse()
        try await eventually(timeout: .seconds(60)) { delegate.errors.contains { $0.isBrokerAway } }
        broker.relay.resume()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 1)
        try await eventually(timeout: .seconds(60)) { delegate.records.count == 1 }
        await consumer.close()
    }

    @Test("A group's commits, members and listing are visible to the admin")
    func group() async throws {
        let broker = try await Tansu.start(topics: ["topic": 2])
        let delegate = RecordingDelegate()
        delegate.start(at: [Self.partition: 1])
        let consumer = try Self.consumer(broker, delegate, ["partition.assignment.strategy": "range"])
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 3)
        try consumer.subscribe(["topic"])
        #expect(consumer.groupMembership == .joining)
        try await eventually(timeout: .seconds(60)) { delegate.records.count == 2 }
        #expect(delegate.records.map(\.offset) == [1, 2], "the delegate's start wins")
        #expect(consumer.groupMembership == .member)
        #expect(Set(consumer.assignment) == delegate.owned)
        let memberID = try #require(consumer.memberID)

        let failures = try consumer.commit([Self.partition: CommittedOffset(offset: 3, metadata: "m")])
        #expect(failures == [Self.partition: nil])
        let committed = try await consumer.committed([Self.partition])
        #expect(committed[Self.partition]?.offset == 3)
        let admin = try TestBroker.admin(broker.bootstrapServers)
        let seen = try await admin.committedOffsets(group: "group", partitions: [Self.partition])
        #expect(seen[Self.partition]?.offset == 3)
        #expect(try await admin.groups().map(\.id).contains("group"))
        let description = try await admin.describeGroup("group")
        #expect(description.members.map(\.id).contains(memberID))
        await admin.close()
        await consumer.close()
        #expect(delegate.owned.isEmpty, "closing revokes")
    }
}
