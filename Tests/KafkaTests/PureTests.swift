import Kafka
import Testing
import TestSupport

@Suite("Values of the Kafka target")
struct PureTests {
    @Test(
        "An end is in sight once it was passed for a while, by what was known when the first record came, and is told once"
    )
    func endsInSight() {
        let partition = TopicPartition(topic: "t", partition: 0)
        let start = ContinuousClock.now
        var ends = EndsInSight([partition])
        ends.heard(partition, offset: 7, at: start) { 9 }
        #expect(ends.take(at: start + .seconds(60)) == [:], "the end is not passed")
        ends.heard(partition, offset: 8, at: start) { 1_000 }
        #expect(ends.take(at: start + EndsInSight.grace - .milliseconds(1)) == [:])
        ends.heard(partition, offset: 9, at: start + .milliseconds(10)) { 1_000 }
        #expect(ends.take(at: start + EndsInSight.grace) == [partition: 10])
        ends.heard(partition, offset: 10, at: start) { 1_000 }
        #expect(ends.take(at: start + .seconds(60)) == [:])

        var unknown = EndsInSight([partition])
        unknown.heard(partition, offset: 7, at: start) { nil }
        unknown.heard(partition, offset: 8, at: start) { 9 }
        #expect(unknown.take(at: start + .seconds(1)) == [partition: 9])
        var told = EndsInSight([partition])
        told.heard(partition, offset: 7, at: start) { 8 }
        told.ended(partition)
        #expect(told.take(at: start + .seconds(1)) == [:])
    }

    @Test("A gauge is full from its high mark until its low one, whatever the order of events")
    func gauge() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        let capacity = ProducerCapacity(highRecords: 20, lowRecords: 5, highBytes: 1_000, lowBytes: 300)
        var gauge = CapacityGauge(capacity)
        var outstanding: [Int] = []
        var isFull = false
        for _ in 0..<20_000 {
            if Bool.random(using: &random), outstanding.count < 40 {
                let bytes = Int.random(in: 0...120, using: &random)
                outstanding.append(bytes)
                gauge.add(bytes: bytes)
                if outstanding.count >= 20 || outstanding.reduce(0, +) >= 1_000 { isFull = true }
            } else if let bytes = outstanding.popLast() {
                let isFree = isFull && outstanding.count <= 5 && outstanding.reduce(0, +) <= 300
                #expect(gauge.remove(bytes: bytes) == isFree, "CARRYON_TEST_SEED=\(seed)")
                if isFree { isFull = false }
            }
            #expect(gauge.isFull == isFull, "CARRYON_TEST_SEED=\(seed)")
            #expect(gauge.records == outstanding.count, "CARRYON_TEST_SEED=\(seed)")
        }
    }

    @Test("The overflow queue is an array with its first element taken off")
    func overflowQueue() {
        let seed = testSeed()
        var random = SeededGenerator(seed: seed)
        var queue = OverflowQueue<Int>()
        var model: ArraySlice<Int> = []
        for number in 0..<50_000 {
            // Grows for a while, then shrinks, so that the compaction is passed as well as the empty queue.
            if Int.random(in: 0..<10, using: &random) < (number / 5_000 % 2 == 0 ? 8 : 2) {
                queue.append(number)
                model.append(number)
            } else {
                #expect(queue.popFirst() == model.popFirst(), "CARRYON_TEST_SEED=\(seed)")
            }
            #expect(queue.count == model.count && queue.first == model.first, "CARRYON_TEST_SEED=\(seed)")
        }
        #expect(queue.removeAll() == Array(model))
        #expect(queue.isEmpty)
    }

    @Test("Properties hide their secrets, and later ones win")
    func properties() {
        let base: KafkaProperties = ["sasl.password": "hunter2", "linger.ms": "5"]
        let merged = base.merging(["linger.ms": "7", "acks": "all"])
        #expect(merged["linger.ms"] == "7")
        #expect(merged.names == ["acks", "linger.ms", "sasl.password"])
        #expect(merged.description == "acks=all linger.ms=7 sasl.password=***")
    }

    @Test("An error is one sentence with its code, and decisions hang on the code")
    func errors() {
        let error = KafkaError(code: KafkaError.Code.unknownMember, operation: "commit offsets")
        #expect(error.description == "Could not commit offsets: Broker: Unknown member (UNKNOWN_MEMBER_ID).")
        #expect(error.isNoLongerOwner && !error.isRetriable && !error.isFatal)
        #expect(KafkaError(code: KafkaError.Code.transport, operation: "x").isBrokerAway)
        #expect(KafkaError(code: 12_345, operation: "x").name.isEmpty == false)
    }

    @Test("Partitions sort by topic, then by number")
    func order() {
        let sorted = [("b", 0), ("a", 10), ("a", 2)].map { TopicPartition(topic: $0.0, partition: $0.1) }.sorted()
        #expect(sorted.map(\.description) == ["a-2", "a-10", "b-0"])
    }
}
