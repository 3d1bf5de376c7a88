import Conversation
import Kafka
import TestSupport
import Testing
import TurnHost

@testable import CarryonService

@Suite("A record that is sent again")
struct RedrivenRecordTests {
    @Test("A request that was handed over goes back to where it was read first, as its producer had sent it")
    func forwarded() throws {
        let own = [KafkaHeader("trace", "t"), KafkaHeader("idempotency-key", "k")]
        var record = KafkaRecord(
            topic: "small", partition: 2, offset: 9, timestamp: 5, key: Array("s".utf8), value: [1], headers: own)
        // Handed over and set aside, over and over: the first time under its own name, then under that of a letter.
        for count in 1...3 {
            let first = record
            record = LetterRecords.record(first.forwarded(to: "big"), at: LetterID(partition: 2, offset: 40))
            let written = DeadLetter(record: record, consumerGroup: "g", cause: .outOfMemory, code: "c", message: "m")
            let read = LetterRecords.record(
                written.producerRecord(topic: "d"), at: LetterID(partition: 0, offset: Int64(count)))
            let letter = Letter(read)
            #expect(letter.origin?.topic == "big")
            #expect(letter.destination == TopicPartition(topic: "small", partition: 2))
            #expect((letter.place, letter.sentAt) == (9, first.timestamp))
            let destination = try #require(letter.destination)
            let again = Redriver.request(of: letter, to: destination, read, topic: "d")
            #expect((again.topic, again.partition) == ("small", 2))
            #expect((again.key, again.value) == (first.key, first.value))
            #expect(again.headers == own + letter.redrive(topic: "d").headers)
            record = LetterRecords.record(again, at: LetterID(partition: 2, offset: Int64(50 + count)))
            #expect(record.forward == nil)
            #expect(record.fallbackRequestID == "2-9")
            #expect(
                record.redrive == Redrive(letter: "d-0-\(count)", letterTimestamp: 3_000, origin: "2-9", count: count))
        }
    }

    @Test("What names the topic that it was set aside from was not handed over, and goes there as it came")
    func notForwarded() throws {
        let headers = [KafkaHeader("forwarded-from", "\(LetterRecords.requests)-0-3")]
        let read = LetterRecords.letter(at: "0-1", from: 40, headers: headers)
        let letter = Letter(read)
        let destination = try #require(letter.destination)
        #expect(destination == TopicPartition(topic: LetterRecords.requests, partition: 0))
        #expect(letter.place == 40)
        let again = Redriver.request(of: letter, to: destination, read, topic: "d")
        #expect(again.headers == headers + letter.redrive(topic: "d").headers)
        // And what is no letter of ours goes nowhere.
        #expect(Letter(KafkaRecord(topic: "t", partition: 0, offset: 0, headers: headers)).destination == nil)
    }

    @Test("Key, value and headers are those that the producer had sent, however often it was sent again")
    func asItWas() {
        for _ in 0..<100 {
            let seed = testSeed()
            var generator = SeededGenerator(seed: seed)
            let request = Self.randomRequest(&generator)
            var record = request
            for count in 1...Int.random(in: 1...4, using: &generator) {
                let letter = DeadLetter(
                    record: record, consumerGroup: "g", cause: .crashLoop, code: "c", message: "m",
                    attempts: Bool.random(using: &generator) ? 3 : nil)
                let id = LetterID(partition: 0, offset: Int64(count * 7))
                let read = LetterRecords.record(letter.producerRecord(topic: "d"), at: id)
                let parsed = Letter(read)
                guard let destination = parsed.destination else {
                    Issue.record("no destination; CARRYON_TEST_SEED=\(seed)")
                    return
                }
                let again = Redriver.request(of: parsed, to: destination, read, topic: "d")
                #expect((again.topic, again.partition) == (request.topic, request.partition))
                #expect((again.key, again.value) == (request.key, request.value), "CARRYON_TEST_SEED=\(seed)")
                let expected = request.headers + parsed.redrive(topic: "d").headers
                #expect(again.headers == expected, "CARRYON_TEST_SEED=\(seed)")
                record = LetterRecords.record(again, at: LetterID(partition: request.partition, offset: 1_000))
                record.offset += Int64(count)
                #expect(
                    record.redrive
                        == Redrive(
                            letter: "d-\(id)", letterTimestamp: 3_000, origin: "\(request.partition)-\(request.offset)",
                            count: count), "CARRYON_TEST_SEED=\(seed)")
            }
        }
    }

    private static func randomRequest(_ generator: inout SeededGenerator) -> KafkaRecord {
        let names = ["trace", "cause", "attempts", "turn", "kafka_dlt-exception-fqcn", "idempotency-key"]
        let headers = (0..<Int.random(in: 0...5, using: &generator)).map { _ in
            KafkaHeader(
                name: names.randomElement(using: &generator) ?? "",
                value: Bool.random(using: &generator) ? nil : [UInt8.random(in: 0...255, using: &generator)])
        }
        return KafkaRecord(
            topic: "r", partition: .random(in: 0...5, using: &generator),
            offset: .random(in: 0...99, using: &generator),
            timestamp: 1_000, key: Bool.random(using: &generator) ? nil : [1, 2],
            value: Bool.random(using: &generator) ? nil : [3], headers: headers)
    }

    @Test("The letter stands in for the request's own key, and the request keeps its id")
    func decoded() throws {
        let value = #"{"type":"message","text":"a","idempotencyKey":"own"}"#
        let redrive = Redrive(letter: "d-0-7", letterTimestamp: 5, origin: "2-17", count: 1)
        let record = KafkaRecord(
            topic: "r", partition: 2, offset: 40, key: Array("s".utf8), value: Array(value.utf8),
            headers: [KafkaHeader("idempotency-key", "own")] + redrive.headers)
        let request = try record.decodedRequest()
        #expect(request.idempotencyKey == "redrive-of:d-0-7@5")
        #expect(record.fallbackRequestID == "2-17")
        guard case .message(let message) = request.kind else {
            Issue.record("no message")
            return
        }
        #expect(message.id == "2-17")
    }

    @Test(
        "A header that names no letter changes nothing",
        arguments: ["", "d", "d-0", "0-7", "-0-7", "d-0-x", "d-x-7", "d-00-7", "d-0-7 ", "d--0-7-"])
    func noLetter(_ text: String) throws {
        let record = KafkaRecord(
            topic: "r", partition: 2, offset: 40, key: Array("s".utf8), value: Array(#"{"type":"regenerate"}"#.utf8),
            headers: [KafkaHeader("redrive-of", text), KafkaHeader("redrive-origin", "9-9")])
        #expect(record.redrive == nil)
        #expect(try record.decodedRequest().idempotencyKey == nil)
        #expect(record.fallbackRequestID == "2-40")
    }
}
