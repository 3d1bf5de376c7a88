import Conversation
import Kafka
import TestSupport
import Testing
import TurnHost

@testable import CarryonService

@Suite("A record that is sent again")
struct RedrivenRecordTests {
    @Test("A request that was handed over before it was set aside keeps the name that its producer was told")
    func forwarded() throws {
        let first = KafkaRecord(
            topic: "chat.requests", partition: 0, offset: 9, timestamp: 5, key: Array("s".utf8), value: [], headers: [])
        let id: LetterID = "0-3"
        let letter = Letter(LetterRecords.letter(at: id, from: 40, headers: first.forwarded(to: "big").headers))
        // The letter's own topic is the one that it was forwarded to only if it is another than it came from.
        #expect(letter.forwardedFrom == nil)
        let record = LetterRecords.record(first.forwarded(to: "big"), at: LetterID(partition: 0, offset: 40))
        let written = DeadLetter(record: record, consumerGroup: "g", cause: .outOfMemory, code: "c", message: "m")
        let read = LetterRecords.record(written.producerRecord(topic: "d"), at: id)
        let parsed = Letter(read)
        #expect((parsed.place, parsed.forwardedFrom) == (40, "0-9"))
        let origin = try #require(parsed.origin)
        let again = LetterRecords.record(
            Redriver.request(of: parsed, origin, read, topic: "d"), at: LetterID(partition: 0, offset: 50))
        #expect(again.topic == "big")
        #expect(again.fallbackRequestID == "0-9")
        let key = record.forward?.idempotencyKey(record.redrive)
        #expect(again.forward?.idempotencyKey(again.redrive) != key, "it would pass for the one that was set aside")
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
                guard let origin = parsed.origin else {
                    Issue.record("no origin; CARRYON_TEST_SEED=\(seed)")
                    return
                }
                let again = Redriver.request(of: parsed, origin, read, topic: "d")
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
