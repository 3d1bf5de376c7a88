import Conversation
import Kafka
import TestSupport
import Testing
import TurnHost

@testable import CarryonService

@Suite("What may be sent again, and in which order")
struct RedriveRulesTests {
    private static let log = TopicPartition(topic: LetterRecords.requests, partition: 0)

    private static let bigLog = TopicPartition(topic: LetterRecords.requests, partition: 3)

    private static func entry(
        from offset: Int64 = 10, cause: DeadLetter.Cause = .crashLoop, turn: Int? = 5, headers: [KafkaHeader] = []
    ) -> LetterLedger.Entry {
        let record = LetterRecords.letter(at: "0-0", from: offset, cause: cause, turn: turn, headers: headers)
        return LetterLedger.Entry(letter: Letter(record))
    }

    private static func rules(
        _ change: (inout RedriveRules) -> Void = { _ in }
    ) -> RedriveRules {
        var rules = RedriveRules(
            includesUndecodable: false, isBehindNewerAllowed: false, partitions: [LetterRecords.requests: 1],
            sentAgain: [:])
        change(&rules)
        return rules
    }

    private static func progress(
        isClosed: Bool = false, _ turns: [(number: Int, offset: Int64, startedAt: Int64)] = []
    ) -> SessionProgress {
        SessionProgress(
            isClosed: isClosed, positions: [:],
            turns: turns.map {
                SessionProgress.Turn(number: $0.number, request: log, offset: $0.offset, startedAt: $0.startedAt)
            })
    }

    @Test("What nothing speaks against is sent")
    func sent() {
        #expect(Self.rules().refusal(of: Self.entry(), nil) == nil)
        #expect(Self.rules().refusal(of: Self.entry(), Self.progress([(4, 9, 900)])) == nil)
    }

    @Test("A letter that something was done about is left out")
    func resolved() {
        var entry = Self.entry()
        let note = LetterResolution(.redriven, of: "0-0", at: Timestamp(milliseconds: 0))
        entry.resolutions = [note]
        #expect(Self.rules().refusal(of: entry, nil) == .resolved(note))
    }

    @Test("The undecodable are left out unless they are meant")
    func undecodable() {
        let entry = Self.entry(cause: .undecodable, turn: nil)
        #expect(Self.rules().refusal(of: entry, nil) == .undecodable)
        #expect(Self.rules { $0.includesUndecodable = true }.refusal(of: entry, nil) == nil)
    }

    @Test("What has nowhere to go is left out")
    func nowhere() {
        let foreign = LetterLedger.Entry(letter: Letter(KafkaRecord(topic: "t", partition: 0, offset: 0)))
        #expect(Self.rules().refusal(of: foreign, nil) == .unknownOrigin)
        let rules = Self.rules { $0.partitions = [:] }
        #expect(rules.refusal(of: Self.entry(), nil) == .noPartition(Self.log))
    }

    @Test("A closed session is left out, whatever is allowed")
    func closed() {
        let rules = Self.rules { $0.isBehindNewerAllowed = true }
        #expect(rules.refusal(of: Self.entry(), Self.progress(isClosed: true)) == .closed)
    }

    @Test("A session that has gone on is left out, unless that is allowed")
    func goneOn() {
        let progress = Self.progress([(7, 13, 3_000), (6, 12, 2_000), (4, 9, 900)])
        #expect(Self.rules().refusal(of: Self.entry(), progress) == .behindNewer(turns: 2))
        #expect(Self.rules { $0.isBehindNewerAllowed = true }.refusal(of: Self.entry(), progress) == nil)
    }

    @Test("A request that was sent again stands where it stood at first")
    func sentAgain() {
        let progress = Self.progress([(7, 20, 3_000)])
        // Turn 7 answered the request that once was at offset 9, in front of this letter's.
        #expect(Self.rules { $0.sentAgain = [Self.log: [20: 9]] }.refusal(of: Self.entry(), progress) == nil)
        let behind = Self.rules { $0.sentAgain = [Self.log: [20: 11]] }
        #expect(behind.refusal(of: Self.entry(), progress) == .behindNewer(turns: 1))
        // The letter itself is one of a request that was sent again, and turn 7 came between.
        let redrive = Redrive(letter: "d-0-1", letterTimestamp: nil, origin: "0-10", count: 1)
        let again = Self.entry(from: 30, turn: 8, headers: redrive.headers)
        #expect(Self.rules().refusal(of: again, progress) == .behindNewer(turns: 1))
    }

    @Test("A request that was handed over has its place where it was read first, and its neighbours there")
    func forwarded() {
        let first = KafkaRecord(topic: "small", partition: 3, offset: 10, timestamp: 1_000, key: Array("s".utf8))
        let record = LetterRecords.letter(
            at: "0-0", from: 77, partition: 3, timestamp: 1_500, turn: 5, headers: first.forwarded(to: "").headers)
        var entry = LetterLedger.Entry(letter: Letter(record))
        let small = TopicPartition(topic: "small", partition: 3)
        #expect(Self.rules().refusal(of: entry, nil) == .noPartition(small))
        let rules = Self.rules { $0.partitions = ["small": 4] }
        #expect(rules.refusal(of: entry, nil) == nil)
        #expect(entry.letter.lane == LetterLane(partition: small, key: first.key))

        func progress(_ turn: Int, at offset: Int64, of partition: TopicPartition) -> SessionProgress {
            let turn = SessionProgress.Turn(number: turn, request: partition, offset: offset, startedAt: 1_200)
            return SessionProgress(isClosed: false, positions: [:], turns: [turn])
        }
        #expect(rules.refusal(of: entry, progress(4, at: 9, of: small)) == nil)
        #expect(rules.refusal(of: entry, progress(4, at: 11, of: small)) == .behindNewer(turns: 1))
        #expect(rules.refusal(of: entry, progress(6, at: 80, of: Self.bigLog)) == .behindNewer(turns: 1))
        #expect(rules.refusal(of: entry, progress(5, at: 77, of: Self.bigLog)) == .answered)

        let note = LetterResolution(.redriven, of: "0-0", at: Timestamp(milliseconds: 0), sentTo: "3-20")
        entry.resolutions = [note]
        #expect(SessionProgress.SentAgain([entry]) == [small: [20: 10]])
        #expect(rules.refusal(of: entry, nil) == .resolved(note))
    }

    @Test("Turns of an earlier log with higher offsets were not behind the request")
    func earlierLog() {
        #expect(Self.rules().refusal(of: Self.entry(turn: nil), Self.progress([(2, 500, 999)])) == nil)
        let later = Self.progress([(2, 500, 1_000)])
        #expect(Self.rules().refusal(of: Self.entry(turn: nil), later) == .behindNewer(turns: 1))
        // And of a later log with lower offsets they were, which the number of the turn shows.
        #expect(Self.rules().refusal(of: Self.entry(), Self.progress([(6, 1, 3_000)])) == .behindNewer(turns: 1))
    }

    @Test("A request that was answered after its letter was written is left out")
    func answered() {
        #expect(Self.rules().refusal(of: Self.entry(), Self.progress([(5, 10, 3_000)])) == .answered)
    }

    @Test("Each lane's letters are in the order of their places, and the lanes keep the places that they had")
    func order() {
        for _ in 0..<100 {
            let seed = testSeed()
            var generator = SeededGenerator(seed: seed)
            let letters = (0..<Int64.random(in: 0...30, using: &generator)).map { offset in
                let again = Redrive(
                    letter: "d-0-0", letterTimestamp: nil, origin: "0-\(Int.random(in: 0...40, using: &generator))",
                    count: 1)
                let session = ["a", "b", "c", nil].randomElement(using: &generator) ?? nil
                return Letter(
                    LetterRecords.letter(
                        at: LetterID(partition: 0, offset: offset), session: session, from: 100 + offset,
                        headers: again.headers))
            }
            let ordered = RedriveRules.order(letters.shuffled(using: &generator))
            #expect(ordered.map(\.lane) == letters.map(\.lane), "CARRYON_TEST_SEED=\(seed)")
            #expect(Set(ordered) == Set(letters), "CARRYON_TEST_SEED=\(seed)")
            for (_, lane) in Dictionary(grouping: ordered, by: \.lane) {
                let places = lane.map { [$0.place, $0.id.offset] }
                #expect(places == places.sorted { $0.lexicographicallyPrecedes($1) }, "CARRYON_TEST_SEED=\(seed)")
            }
            let waves = Redriver.waves(of: ordered)
            for wave in waves { #expect(Set(wave.map(\.lane)).count == wave.count, "CARRYON_TEST_SEED=\(seed)") }
            for (lane, inOrder) in Dictionary(grouping: ordered, by: \.lane) {
                let sent = waves.flatMap(\.self).filter { $0.lane == lane }
                #expect(sent == inOrder, "CARRYON_TEST_SEED=\(seed)")
            }
        }
    }

    @Test("Batches hold all letters in order, and no more than fits into memory")
    func batches() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let one = Letter(LetterRecords.letter(at: "0-0"))
        let letters = (0..<25_000 as Range<Int64>).map { offset in
            var letter = one
            letter.id.offset = offset
            // Small ones first, so that the count is the bound, and then the bytes.
            letter.byteCount = Int.random(in: 0...(offset < 15_000 ? 100 : 40_000), using: &generator)
            return letter
        }
        let batches = Redriver.batches(of: letters)
        #expect(batches.flatMap(\.self) == letters, "CARRYON_TEST_SEED=\(seed)")
        for batch in batches {
            #expect(!batch.isEmpty && batch.count <= Redriver.batchCount, "CARRYON_TEST_SEED=\(seed)")
            #expect(batch.reduce(0) { $0 + $1.byteCount } <= Redriver.batchBytes, "CARRYON_TEST_SEED=\(seed)")
        }
    }

    @Test("Letters that are far apart are read in stretches of their own")
    func stretches() {
        #expect(
            LetterReader.stretches(of: ["0-5", "1-0", "0-3", "0-900", "0-90000", "0-5"] as [LetterID])
                == [["0-3", "0-5", "0-900"], ["0-90000"], ["1-0"]])
    }
}
