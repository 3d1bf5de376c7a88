import Kafka
import Synchronization
import Testing
import TestSupport

@Suite("Producer")
struct ProducerTests {
    private static let partition = TopicPartition(topic: "topic", partition: 0)

    @Test("A sent record is acknowledged with its offset")
    func offsets() async throws {
        let broker = try TestBroker.mock()
        let producer = try TestBroker.producer(broker.bootstrapServers)
        for expected in 0..<3 as Range<Int64> {
            let offset = try await producer.send(ProducerRecord(topic: "topic", partition: 0, key: "k", value: "v"))
            #expect(offset == expected)
        }
        #expect(producer.outstanding == 0)
        await producer.close()
    }

    @Test("Null, empty and repeated keys, values and headers come back as they were written")
    func fidelity() async throws {
        let broker = try TestBroker.mock()
        let headers = [
            KafkaHeader("a", "1"), KafkaHeader("a", "2"), KafkaHeader(name: "null", value: nil),
            KafkaHeader(name: "empty", value: []), KafkaHeader(name: "ünïcode", value: [0, 255]),
        ]
        let written = [
            ProducerRecord(topic: "topic", partition: 0, key: [1, 0, 2], value: [255, 0], headers: headers),
            ProducerRecord(topic: "topic", partition: 0, key: nil as [UInt8]?, value: nil, headers: []),
            ProducerRecord(topic: "topic", partition: 0, key: [] as [UInt8]?, value: [], headers: []),
        ]
        let producer = try TestBroker.producer(broker.bootstrapServers)
        for result in await producer.send(written) { _ = try result.get() }
        await producer.close()

        var read: [KafkaRecord] = []
        let reader = try TestBroker.reader(broker.bootstrapServers)
        _ = try await reader.read(from: [Self.partition: .beginning], untilEnd: true) { records in
            read += records
            return .proceed
        }
        await reader.close()

        #expect(read.map(\.key) == written.map(\.key))
        #expect(read.map(\.value) == written.map(\.value))
        #expect(read.map(\.headers) == written.map(\.headers))
        #expect(read.map(\.offset) == [0, 1, 2])
        #expect(read.allSatisfy { $0.timestamp > 1_600_000_000_000 })
        let first = try #require(read.first)
        #expect(first.headerString("a") == "2")
        #expect(first.header("null") == nil)
        #expect(first.headerString("ünïcode") == nil, "0xFF is not UTF-8")
        #expect(first.header("absent") == nil)
    }

    @Test("A full librdkafka queue refuses nothing and keeps each partition's order")
    func overflow() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 3])
        let producer = try TestBroker.producer(
            broker.bootstrapServers, ["queue.buffering.max.messages": "100", "linger.ms": "0"])
        let offsets = Mutex<[Int: Int64]>([:])
        let count = 3_000
        for index in 0..<count {
            let record = ProducerRecord(topic: "topic", partition: Int32(index % 3), key: nil, value: "\(index)")
            producer.produce(record) { result in
                if case .success(let offset) = result { offsets.withLock { $0[index] = offset } }
            }
        }
        #expect(producer.outstanding > 100)
        #expect(await producer.flush(timeout: .seconds(20)))
        #expect(producer.outstanding == 0)
        let reported = offsets.withLock { $0 }
        #expect(reported.count == count)
        for index in 0..<count { #expect(reported[index] == Int64(index / 3)) }
        await producer.close()
    }

    @Test("Whoever waits for capacity goes on when the low watermark is reached, not before")
    func capacity() async throws {
        let broker = try TestBroker.mock()
        try broker.setBrokerDown()
        let capacity = ProducerCapacity(highRecords: 100, lowRecords: 10, highBytes: 1 << 20, lowBytes: 0)
        let producer = try TestBroker.producer(broker.bootstrapServers, capacity: capacity)
        await producer.waitForCapacity()
        for _ in 0..<100 { producer.produce(ProducerRecord(topic: "topic", partition: 0, value: [0])) }
        let passed = Mutex(false)
        let waiter = Task {
            await producer.waitForCapacity()
            passed.withLock { $0 = true }
            return producer.outstanding
        }
        try await Task.sleep(for: .milliseconds(100))
        #expect(!passed.withLock { $0 })
        try broker.setBrokerUp()
        #expect(await waiter.value <= 10)
        await producer.close()
    }

    @Test("A cancelled wait for capacity ends")
    func cancelledWait() async throws {
        let broker = try TestBroker.mock()
        try broker.setBrokerDown()
        let producer = try TestBroker.producer(
            broker.bootstrapServers, capacity: ProducerCapacity(highRecords: 1, lowRecords: 0))
        producer.produce(ProducerRecord(topic: "topic", partition: 0, value: [0]))
        let waiter = Task { await producer.waitForCapacity() }
        waiter.cancel()
        await waiter.value
        #expect(producer.outstanding == 1)
        await producer.close(timeout: .zero)
    }

    @Test("What cannot be written is reported, each by its own reason")
    func refusals() async throws {
        let broker = try TestBroker.mock()
        let producer = try TestBroker.producer(broker.bootstrapServers, ["message.max.bytes": "2000"])
        _ = try await producer.send(ProducerRecord(topic: "topic", partition: 0, value: [0]))
        let results = await producer.send([
            ProducerRecord(topic: "topic", partition: 0, value: Array(repeating: 0, count: 5_000)),
            ProducerRecord(topic: "topic", partition: 7, value: [0]),
            ProducerRecord(topic: "topic", partition: -5, value: [0]),
            ProducerRecord(topic: "", partition: 0, value: [0]),
            ProducerRecord(topic: "to\0pic", partition: 0, value: [0]),
            ProducerRecord(topic: "topic", partition: 0, value: [1]),
        ])
        func error(_ index: Int) -> KafkaError? {
            if case .failure(let error) = results[index] { return error }
            return nil
        }
        #expect(error(0)?.isMessageTooLarge == true)
        #expect(error(1)?.isUnknownTopicOrPartition == true)
        #expect(error(2)?.isUnknownTopicOrPartition == true)
        #expect(error(3)?.code == KafkaError.Code.invalidArgument)
        #expect(error(4)?.code == KafkaError.Code.invalidArgument)
        #expect(try results[5].get() == 1)
        await producer.close()
    }

    @Test("With the brokers away a record's fate is an error, and closing reports what is left")
    func brokersAway() async throws {
        let broker = try TestBroker.mock()
        try broker.setBrokerDown()
        let producer = try TestBroker.producer(broker.bootstrapServers, ["message.timeout.ms": "300"])
        await #expect(throws: KafkaError.self) {
            try await producer.send(ProducerRecord(topic: "topic", partition: 0, value: [0]))
        }
        await producer.close()

        let other = try TestBroker.producer(broker.bootstrapServers, ["queue.buffering.max.messages": "2"])
        let reports = Mutex<[KafkaError?]>([])
        for _ in 0..<5 {
            other.produce(ProducerRecord(topic: "topic", partition: 0, value: [0])) { result in
                if case .failure(let error) = result { reports.withLock { $0.append(error) } }
            }
        }
        #expect(await other.flush(timeout: .milliseconds(50)) == false)
        await other.close(timeout: .milliseconds(50))
        #expect(reports.withLock { $0.count } == 5)
        #expect(other.outstanding == 0)
    }

    @Test("Closing twice is closing once, and a closed producer says so")
    func closing() async throws {
        let broker = try TestBroker.mock()
        let producer = try TestBroker.producer(broker.bootstrapServers)
        producer.produce(ProducerRecord(topic: "topic", partition: 0, value: [0]))
        async let first: Void = producer.close()
        async let second: Void = producer.close()
        _ = await (first, second)
        await producer.close()
        let result = await producer.send([ProducerRecord(topic: "topic", value: [0])])
        if case .failure(let error) = result[0] { #expect(error.isClosed) } else { Issue.record("it was written") }

        let reader = try TestBroker.reader(broker.bootstrapServers)
        #expect(try await reader.fetch(Self.partition, offset: 0)?.value == [0], "closing flushes")
        await reader.close()
    }

    @Test("A wrong property is refused by its name")
    func wrongProperties() throws {
        let properties: KafkaProperties = ["linger.mss": "5"]
        let error = #expect(throws: KafkaError.self) {
            try KafkaProducer(properties, logger: TestBroker.logger)
        }
        #expect(error?.reason.contains("linger.mss") == true)
        #expect(error?.code == KafkaError.Code.invalidArgument)
        let conflict = #expect(throws: KafkaError.self) {
            try KafkaProducer(["acks": "0", "enable.idempotence": "true"], logger: TestBroker.logger)
        }
        #expect(conflict?.reason.contains("acks") == true)
    }

    @Test("Records of one key keep their order and their partition when the partitioner chooses")
    func byKey() async throws {
        let broker = try TestBroker.mock(topics: ["topic": 4])
        let producer = try TestBroker.producer(broker.bootstrapServers)
        let batch = (0..<400).map { ProducerRecord(topic: "topic", key: "key-\($0 % 10)", value: "\($0)") }
        for result in await producer.send(batch) { _ = try result.get() }
        await producer.close()
        var seen: [String: [(Int32, Int)]] = [:]
        let reader = try TestBroker.reader(broker.bootstrapServers)
        let start = Dictionary(
            uniqueKeysWithValues: (0..<4).map {
                (TopicPartition(topic: "topic", partition: Int32($0)), StartOffset.beginning)
            })
        _ = try await reader.read(from: start, untilEnd: true) { records in
            for record in records {
                let number = try #require(record.text.flatMap { Int($0) })
                seen[try #require(record.keyString), default: []].append((record.partition, number))
            }
            return .proceed
        }
        #expect(seen.count == 10)
        for (key, values) in seen {
            #expect(Set(values.map(\.0)).count == 1, "\(key)")
            #expect(values.map(\.1) == values.map(\.1).sorted(), "\(key)")
            #expect(values.count == 40, "\(key)")
        }
        await reader.close()
    }
}
