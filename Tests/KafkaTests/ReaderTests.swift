import Kafka
import Testing
import TestSupport

@Suite("Reader")
struct ReaderTests {
    private static let partition = TopicPartition(topic: "topic", partition: 0)
    private static let other = TopicPartition(topic: "topic", partition: 1)

    @Test("Reading until the end stops at every partition's end, also of an empty one")
    func untilEnd() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 3])
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 2_500)
        try await TestBroker.fill(broker.bootstrapServers, Self.other, count: 7)
        let reader = try TestBroker.reader(broker.bootstrapServers)
        let empty = TopicPartition(topic: "topic", partition: 2)
        var read: [TopicPartition: [Int64]] = [:]
        let reached = try await reader.read(
            from: [Self.partition: .beginning, Self.other: 3, empty: .beginning], untilEnd: true
        ) { records in
            for record in records { read[record.topicPartition, default: []].append(record.offset) }
            return .proceed
        }
        #expect(reached == [Self.partition: 2_500, Self.other: 7, empty: 0])
        #expect(read[Self.partition] == Array(0..<2_500))
        #expect(read[Self.other] == [3, 4, 5, 6])
        #expect(try await reader.read(from: [:], untilEnd: false) { _ in .proceed } == [:])
        await reader.close()
    }

    @Test("One reader reads again and again, and starts where it is told each time")
    func again() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 100)
        let reader = try TestBroker.reader(broker.bootstrapServers)
        for start in stride(from: Int64(0), through: 100, by: 20) {
            var offsets: [Int64] = []
            _ = try await reader.read(from: [Self.partition: .at(start)], untilEnd: true) { records in
                offsets += records.map(\.offset)
                return .proceed
            }
            #expect(offsets == Array(start..<100))
        }
        await reader.close()
    }

    @Test("A stop ends following, and the batch it was said in counts as read")
    func stop() async throws {
        let broker = try TestBroker.mock()
        let servers = broker.bootstrapServers
        try await TestBroker.fill(servers, Self.partition, count: 3)
        let reader = try TestBroker.reader(servers)
        var count = 0
        async let more: Void = TestBroker.fill(servers, Self.partition, count: 3, from: 3)
        let reached = try await reader.read(from: [Self.partition: .beginning], untilEnd: false) { records in
            count += records.count
            return count == 6 ? .stop : .proceed
        }
        try await more
        #expect(reached == [Self.partition: 6])
        await reader.close()
    }

    @Test("Cancelling ends a read that follows, and an error in the body comes out")
    func cancelling() async throws {
        struct Refused: Error {}
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 1)
        let reader = try TestBroker.reader(broker.bootstrapServers)
        let following = Task {
            try await reader.read(from: [Self.partition: .end], untilEnd: false) { _ in .proceed }
        }
        following.cancel()
        await #expect(throws: CancellationError.self) { try await following.value }
        await #expect(throws: Refused.self) {
            try await reader.read(from: [Self.partition: .beginning], untilEnd: true) { _ in throw Refused() }
        }
        await reader.close()
        let closed = await #expect(throws: KafkaError.self) {
            try await reader.fetch(Self.partition, offset: 0)
        }
        #expect(closed?.isClosed == true)
    }

    @Test("A start that the partition does not have goes to its beginning")
    func outOfRange() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 4)
        let reader = try TestBroker.reader(broker.bootstrapServers)
        var offsets: [Int64] = []
        let reached = try await reader.read(from: [Self.partition: 99], untilEnd: true) { records in
            offsets += records.map(\.offset)
            return .proceed
        }
        #expect(offsets == [0, 1, 2, 3])
        #expect(reached == [Self.partition: 4])
        await reader.close()
    }

    @Test("Fetching brings the record at exactly that offset or nothing")
    func fetching() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 50)
        let reader = try TestBroker.reader(broker.bootstrapServers)
        #expect(try await reader.fetch(Self.partition, offset: 31)?.text == "31")
        #expect(try await reader.fetch(Self.partition, offset: 0)?.text == "0")
        #expect(try await reader.fetch(Self.partition, offset: 50) == nil)
        #expect(try await reader.fetch(Self.partition, offset: 500) == nil)
        #expect(try await reader.fetch(Self.partition, offset: -1) == nil)
        await reader.close()
    }

    @Test("Reads side by side do not disturb each other")
    func sideBySide() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        for partition in 0..<4 as Range<Int32> {
            try await TestBroker.fill(
                broker.bootstrapServers, TopicPartition(topic: "topic", partition: partition),
                count: 100 * (Int(partition) + 1))
        }
        let reader = try TestBroker.reader(broker.bootstrapServers)
        try await withThrowingTaskGroup { group in
            for partition in 0..<4 as Range<Int32> {
                group.addTask {
                    var read: [KafkaRecord] = []
                    _ = try await reader.read(
                        from: [TopicPartition(topic: "topic", partition: partition): .beginning], untilEnd: true
                    ) { records in
                        read += records
                        return .proceed
                    }
                    #expect(read.map(\.offset) == Array(0..<(100 * (Int64(partition) + 1))))
                    #expect(read.allSatisfy { $0.partition == partition })
                }
            }
            try await group.waitForAll()
        }
        await reader.close()
    }

    @Test("Brokers away: fetching times out, reading waits until they are back")
    func brokersAway() async throws {
        let broker = try TestBroker.mock()
        try await TestBroker.fill(broker.bootstrapServers, Self.partition, count: 1)
        try broker.setBrokerDown()
        let reader = try TestBroker.reader(broker.bootstrapServers)
        let error = await #expect(throws: KafkaError.self) {
            try await reader.fetch(Self.partition, offset: 0, timeout: .milliseconds(200))
        }
        #expect(error?.isTimeout == true)
        async let reached = reader.read(from: [Self.partition: .beginning], untilEnd: true) { _ in .proceed }
        try broker.setBrokerUp()
        #expect(try await reached == [Self.partition: 1])
        await reader.close()
    }

    @Test("An unknown partition is an error, not an endless wait")
    func unknownPartition() async throws {
        let broker = try TestBroker.mock()
        let reader = try TestBroker.reader(broker.bootstrapServers)
        let error = await #expect(throws: KafkaError.self) {
            try await reader.read(
                from: [TopicPartition(topic: "topic", partition: 9): .beginning], untilEnd: true
            ) { _ in .proceed }
        }
        #expect(error?.isUnknownTopicOrPartition == true)
        await reader.close()
    }
}
