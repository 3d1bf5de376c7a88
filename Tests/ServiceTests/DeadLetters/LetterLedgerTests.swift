import Conversation
import Kafka
import TestSupport
import Testing
import TurnHost

@testable import CarryonService

@Suite("The dead letters topic, read")
struct LetterLedgerTests {
    @Test("A letter is open until a note behind it in its partition says otherwise; redriven beats discarded")
    func states() {
        var ledger = LetterLedger()
        for offset in [0, 1, 2, 8] as [Int64] {
            let id = LetterID(partition: 0, offset: offset)
            ledger.take(LetterRecords.letter(at: id, from: offset))
        }
        func note(_ kind: LetterResolution.Kind, of letter: LetterID, at id: LetterID) {
            let note = LetterResolution(kind, of: letter, at: Timestamp(milliseconds: 5_000), reason: "r")
            ledger.take(LetterRecords.record(note.record(topic: LetterRecords.topic, key: nil), at: id))
        }
        note(.discarded, of: "0-1", at: "0-4")
        note(.discarded, of: "0-2", at: "0-5")
        note(.redriven, of: "0-2", at: "0-6")
        // Not behind it, and not in its partition: no notes of this letter.
        note(.discarded, of: "0-8", at: "0-7")
        note(.discarded, of: "0-8", at: "1-9")
        let entries = ledger.entries.filter { $0.letter.origin != nil }
        #expect(entries.map(\.letter.id) == ["0-0", "0-1", "0-2", "0-8"])
        #expect(entries.map(\.state) == ["open", "discarded", "redriven", "open"])
        #expect(entries.map(\.resolution?.reason) == [nil, "r", "r", nil])
    }

    @Test("A request whose producer set headers of a note's names is a letter, not a note")
    func producersOwnHeaders() {
        var ledger = LetterLedger()
        ledger.take(LetterRecords.letter(at: "0-0"))
        let headers = [KafkaHeader("resolution", "discarded"), KafkaHeader("letter", "0-0"), KafkaHeader("turn", "77")]
        ledger.take(LetterRecords.letter(at: "0-1", from: 1, headers: headers))
        #expect(ledger.entries.map(\.letter.id) == ["0-0", "0-1"])
        #expect(ledger.entries.map(\.state) == ["open", "open"])
        #expect(ledger.entries.map(\.letter.turn) == [nil, nil], "a producer's header was taken for ours")
    }

    @Test("What the letter says is read: where from, why, when, and how often it was sent again")
    func members() throws {
        let again = Redrive(letter: "chat.dead-letters-0-3", letterTimestamp: 9, origin: "2-17", count: 2)
        let record = LetterRecords.letter(
            at: "0-5", session: "alice", from: 40, partition: 2, timestamp: 77, cause: .outOfMemory, turn: 4,
            headers: again.headers, writtenAt: 88)
        let letter = Letter(record)
        #expect(letter.session == "alice")
        #expect(
            letter.origin
                == Letter.Origin(
                    topic: LetterRecords.requests, partition: 2, offset: 40, timestamp: 77, consumerGroup: "g"))
        #expect(letter.place == 17)
        #expect((letter.cause, letter.code, letter.attempts, letter.turn) == ("out-of-memory", "a_code", 3, 4))
        #expect((letter.writtenAt, letter.redrives) == (88, 2))
        let next = letter.redrive(topic: LetterRecords.topic)
        #expect(next == Redrive(letter: "chat.dead-letters-0-5", letterTimestamp: 88, origin: "2-17", count: 3))
    }

    @Test("A record that somebody else has written is a letter that does not say where it came from")
    func foreign() {
        let record = KafkaRecord(topic: "t", partition: 0, offset: 3, key: nil, value: [1])
        let letter = Letter(record)
        #expect(letter.origin == nil)
        #expect(letter.cause == "unknown")
        #expect(letter.session == nil)
    }

    @Test("However the partitions are mixed, the letters and their states are those of a plain count")
    func mixed() {
        for _ in 0..<60 {
            let seed = testSeed()
            var generator = SeededGenerator(seed: seed)
            let records = Self.randomTopic(&generator)
            var ledger = LetterLedger()
            for record in Self.mixed(records, &generator) { ledger.take(record) }
            let found = ledger.entries.map { "\($0.letter.id) \($0.repeats) \($0.state)" }
            #expect(found == Self.expected(records), "CARRYON_TEST_SEED=\(seed)")
        }
    }

    /// Letters, letters written again, notes about letters there and not there.
    private static func randomTopic(_ generator: inout SeededGenerator) -> [[KafkaRecord]] {
        var partitions: [[KafkaRecord]] = []
        for partition in 0..<3 as Range<Int32> {
            var records: [KafkaRecord] = []
            for offset in 0..<Int64.random(in: 0...25, using: &generator) {
                let id = LetterID(partition: partition, offset: offset)
                if Bool.random(using: &generator) {
                    // Few origins, so that many letters are repeats, also over partitions.
                    let origin = Int64.random(in: 0...12, using: &generator)
                    records.append(LetterRecords.letter(at: id, session: nil, from: origin))
                } else {
                    let about = LetterID(
                        partition: .random(in: 0...2, using: &generator),
                        offset: .random(in: 0...26, using: &generator))
                    let kind: LetterResolution.Kind = Bool.random(using: &generator) ? .redriven : .discarded
                    let note = LetterResolution(kind, of: about, at: Timestamp(milliseconds: 0))
                    records.append(LetterRecords.record(note.record(topic: LetterRecords.topic, key: nil), at: id))
                }
            }
            partitions.append(records)
        }
        return partitions
    }

    /// One after the other, each partition's in their order.
    private static func mixed(_ partitions: [[KafkaRecord]], _ generator: inout SeededGenerator) -> [KafkaRecord] {
        var rest = partitions.map { $0[...] }
        var mixed: [KafkaRecord] = []
        for _ in 0..<partitions.reduce(0, { $0 + $1.count }) {
            let open = rest.indices.filter { !rest[$0].isEmpty }
            guard let next = open.randomElement(using: &generator) else { break }
            mixed.append(rest[next].removeFirst())
        }
        return mixed
    }

    private static func expected(_ partitions: [[KafkaRecord]]) -> [String] {
        let all = partitions.flatMap(\.self)
        func isNote(_ record: KafkaRecord) -> Bool { record.header("kafka_dlt-original-topic") == nil }
        let letters = all.filter { record in
            // A note that is about nothing that could be a letter is taken for somebody else's record.
            guard isNote(record) else { return true }
            let about = record.headerString("letter")?.split(separator: "-").compactMap { Int64($0) } ?? []
            return Int64(record.partition) != about[0] || about[1] >= record.offset
        }
        func origin(_ record: KafkaRecord) -> String {
            record.headerString("kafka_dlt-original-offset") ?? "none \(record.partition)-\(record.offset)"
        }
        func name(_ record: KafkaRecord) -> String { "\(record.partition)-\(record.offset)" }
        var lines: [String] = []
        var seen: Set<String> = []
        for letter in letters where seen.insert(origin(letter)).inserted {
            let same = letters.filter { origin($0) == origin(letter) }
            let notes = all.filter { note in
                isNote(note) && !letters.contains(note) && same.contains { note.headerString("letter") == name($0) }
            }
            let kinds = notes.compactMap { $0.headerString("resolution") }
            let state = kinds.contains("redriven") ? "redriven" : kinds.first ?? "open"
            lines.append("\(name(letter)) [\(same.dropFirst().map(name).joined(separator: ", "))] \(state)")
        }
        return lines
    }
}
