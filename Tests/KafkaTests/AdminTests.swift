import Kafka
import Testing
import TestSupport

@Suite("Admin and embedded broker")
struct AdminTests {
    @Test("Topics are listed with their partitions, and asking for one does not create it")
    func topics() async throws {
        let broker = try TestBroker.mock(topics: ["one": 1, "six": 6])
        try broker.createTopic("two", partitions: 2)
        let admin = try TestBroker.admin(broker.bootstrapServers)
        #expect(try await admin.topics() == ["one": 1, "two": 2, "six": 6])
        #expect(try await admin.topics(["six", "absent"]) == ["six": 6])
        #expect(try await admin.topics().count == 3)
        let again = #expect(throws: KafkaError.self) { try broker.createTopic("two", partitions: 2) }
        #expect(again?.isTopicAlreadyThere == true)
        await admin.close()
    }

    @Test("A cluster has an id, and another cluster has another")
    func clusterID() async throws {
        var ids: Set<String> = []
        // The mock's id is its address: one after the other, they may well have the same.
        let brokers = [try TestBroker.mock(), try TestBroker.mock()]
        for broker in brokers {
            let admin = try TestBroker.admin(broker.bootstrapServers)
            ids.insert(try #require(try await admin.clusterID()))
            await admin.close()
        }
        for broker in brokers { await broker.close() }
        #expect(ids.count == 2)
    }

    @Test("Watermarks are the first offset and the next one")
    func watermarks() async throws {
        let broker = try TestBroker.mock()
        let partition = TopicPartition(topic: "topic", partition: 0)
        let admin = try TestBroker.admin(broker.bootstrapServers)
        #expect(try await admin.watermarks(partition) == Watermarks(low: 0, high: 0))
        try await TestBroker.fill(broker.bootstrapServers, partition, count: 12)
        #expect(try await admin.watermarks(partition) == Watermarks(low: 0, high: 12))
        await #expect(throws: KafkaError.self) {
            try await admin.watermarks(TopicPartition(topic: "topic", partition: 5), timeout: .seconds(1))
        }
        await admin.close()
    }

    @Test("With the brokers away every question ends at its timeout")
    func brokersAway() async throws {
        let broker = try TestBroker.mock()
        try broker.setBrokerDown()
        let admin = try TestBroker.admin(broker.bootstrapServers)
        let timeout = Duration.milliseconds(200)
        await #expect(throws: KafkaError.self) { try await admin.topics(timeout: timeout) }
        await #expect(throws: KafkaError.self) { try await admin.clusterID(timeout: timeout) }
        await #expect(throws: KafkaError.self) { try await admin.groups(timeout: timeout) }
        await #expect(throws: KafkaError.self) {
            try await admin.createTopic(name: "new", partitions: 1, timeout: timeout)
        }
        await admin.close()
        let closed = await #expect(throws: KafkaError.self) { try await admin.topics() }
        #expect(closed?.isClosed == true)
    }

    @Test("A closed embedded broker says so and closes again in peace")
    func closing() async throws {
        let broker = try TestBroker.mock(brokers: 3)
        try broker.setRoundTripTime(.milliseconds(1))
        try broker.setLeader(of: TopicPartition(topic: "topic", partition: 0), broker: 2)
        await broker.close()
        await broker.close()
        let error = #expect(throws: KafkaError.self) { try broker.setBrokerDown(1) }
        #expect(error?.isClosed == true)
    }
}
