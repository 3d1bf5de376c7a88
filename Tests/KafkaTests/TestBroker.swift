import Kafka
import Logging

/// What the tests against a broker share.
enum TestBroker {
    static let logger = Logger(label: "kafka-tests", factory: { _ in SwiftLogNoOpLogHandler() })

    static func mock(topics: [String: Int] = ["topic": 1], brokers: Int = 1) throws -> EmbeddedBroker {
        try EmbeddedBroker(brokers: brokers, topics: topics, logger: logger)
    }

    /// The mock answers an idle fetch only after the whole wait.
    static func consumerProperties(_ servers: String, group: String = "group") -> KafkaProperties {
        [
            "bootstrap.servers": servers, "group.id": group, "fetch.wait.max.ms": "10",
            "session.timeout.ms": "6000", "heartbeat.interval.ms": "500", "topic.metadata.refresh.interval.ms": "1000",
        ]
    }

    static func producer(
        _ servers: String, _ others: KafkaProperties = [:], capacity: ProducerCapacity = ProducerCapacity()
    ) throws -> KafkaProducer {
        let properties: KafkaProperties = ["bootstrap.servers": servers]
        return try KafkaProducer(properties.merging(others), capacity: capacity, logger: logger)
    }

    static func consumer(
        _ servers: String, _ delegate: RecordingDelegate, group: String = "group", _ others: KafkaProperties = [:]
    ) throws -> KafkaConsumer {
        try KafkaConsumer(
            consumerProperties(servers, group: group).merging(others), delegate: delegate, logger: logger)
    }

    static func reader(_ servers: String) throws -> KafkaReader {
        try KafkaReader(["bootstrap.servers": servers, "fetch.wait.max.ms": "10"], logger: logger)
    }

    static func admin(_ servers: String) throws -> KafkaAdmin {
        try KafkaAdmin(["bootstrap.servers": servers], logger: logger)
    }

    /// Values "0", "1", ... to one partition.
    static func fill(_ servers: String, _ partition: TopicPartition, count: Int, from first: Int = 0) async throws {
        let producer = try producer(servers)
        let results = await producer.send(
            (first..<(first + count)).map {
                ProducerRecord(
                    topic: partition.topic, partition: partition.partition, key: "k", value: "\($0)")
            })
        for result in results { _ = try result.get() }
        await producer.close()
    }
}

extension KafkaRecord {
    var text: String? { value.map { String(decoding: $0, as: UTF8.self) } }
}
