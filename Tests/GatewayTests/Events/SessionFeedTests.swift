import Conversation
import Kafka
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite("A session's feed")
struct SessionFeedTests {
    @Test("Every reader has what the reader's rule leaves, wherever it begins and whatever it saw", arguments: 0..<40)
    func readers(_ index: UInt64) {
        let seed = testSeed() &+ index
        var random = SeededGenerator(seed: seed)
        let records = Self.log(&random)
        let expected = Self.kept(records)
        // The first part is replayed, some of it comes live too, and the rest comes live.
        let feed = SessionFeed(session: "s", capacity: .max)
        let cut = Int.random(in: 0...records.count, using: &random)
        let overlap = Int.random(in: 0...cut, using: &random)
        feed.append(Array(records[overlap...]))
        feed.replay(Array(records[..<cut]))
        feed.endCatchUp(covered: 0)
        for _ in 0..<4 {
            let known = Int64.random(in: 0...Int64(expected.count), using: &random)
            guard var cursor = feed.cursor(after: known) else {
                Issue.record("a feed that has everything has no place for \(known), seed \(seed)")
                return
            }
            // The reader has this much of what is in force.
            var has = Array(expected.prefix(Int(known)))
            Self.follow(feed, &cursor, &has, &random)
            #expect(has == expected, "CARRYON_TEST_SEED=\(seed), from \(known)")
        }
    }

    @Test("A reader that goes along has the same in the end", arguments: 0..<40)
    func live(_ index: UInt64) {
        let seed = testSeed() &+ index
        var random = SeededGenerator(seed: seed)
        let records = Self.log(&random)
        let feed = SessionFeed(session: "s", capacity: .max)
        feed.endCatchUp(covered: 0)
        var cursor = feed.cursorAtEnd()
        var has: [String] = []
        var position = 0
        while position < records.count {
            let next = min(records.count, position + Int.random(in: 1...7, using: &random))
            feed.append(Array(records[position..<next]))
            position = next
            if Bool.random(using: &random) { Self.follow(feed, &cursor, &has, &random) }
            // Somebody else has the feed reach further back.
            if Int.random(in: 0..<10, using: &random) == 0 {
                feed.beginAgain()
                feed.replay(Array(records[..<position]))
                feed.endCatchUp(covered: 0)
            }
        }
        Self.follow(feed, &cursor, &has, &random)
        #expect(has == Self.kept(records), "CARRYON_TEST_SEED=\(seed)")
    }

    @Test("A reader that falls behind what is kept is told so, and one that does not is not")
    func lagged() {
        let feed = SessionFeed(session: "s", capacity: 2_000)
        feed.endCatchUp(covered: 0)
        var slow = feed.cursorAtEnd()
        var quick = feed.cursorAtEnd()
        for seq in Int64(1)...100 {
            feed.append([Self.record(seq: seq, run: 1)])
            let readings = feed.next(&quick)
            #expect(readings.count == 1)
        }
        guard case .lagged(after: 0)? = feed.next(&slow).first else {
            Issue.record("a slow reader was not told that it is")
            return
        }
        #expect(feed.cursor(after: 0) == nil)
        #expect(feed.cursor(after: feed.covered) != nil)
        #expect(feed.covered < 100 && feed.covered > 80)
    }

    @Test("A waiting reader is woken by an event, by its time and by the feed's end")
    func waiting() async {
        let feed = SessionFeed(session: "s", capacity: .max)
        feed.endCatchUp(covered: 0)
        let cursor = feed.cursorAtEnd()
        let now = ContinuousClock.now
        async let woken: Void = feed.wait(cursor, until: now + .seconds(5))
        feed.append([Self.record(seq: 1, run: 1)])
        await woken
        let behind = feed.cursorAtEnd()
        let isAwake = Mutex(false)
        let sleeper = Task {
            await feed.wait(behind, until: now + .seconds(5))
            isAwake.withLock { $0 = true }
        }
        // It may not wait yet when it is woken for the first time.
        while !isAwake.withLock({ $0 }) {
            feed.wake(at: now + .seconds(4))
            feed.wake(at: now + .seconds(6))
            await Task.yield()
        }
        await sleeper.value
        let cancelled = Task { await feed.wait(behind, until: now + .seconds(500)) }
        cancelled.cancel()
        await cancelled.value
        let last = Task { await feed.wait(behind, until: now + .seconds(500)) }
        feed.close()
        await last.value
        #expect(feed.isClosed)
    }

    /// Takes what lies ready, some of it at a time.
    private static func follow(
        _ feed: SessionFeed, _ cursor: inout SessionFeed.Cursor, _ has: inout [String],
        _ random: inout SeededGenerator
    ) {
        while true {
            let readings = feed.next(&cursor, atMost: Int.random(in: 1...900, using: &random))
            if readings.isEmpty { return }
            for reading in readings {
                switch reading {
                case .event(let frame): has.append(String(decoding: frame.value, as: UTF8.self))
                case .forget(let from): has.removeLast(max(0, has.count - Int(from) + 1))
                case .transcript, .lagged: Issue.record("an unexpected reading")
                }
            }
        }
    }

    /// What the runs of some turns wrote, with fenced workers' last words before and among those of who took over.
    private static func log(_ random: inout SeededGenerator) -> [KafkaRecord] {
        var records: [KafkaRecord] = []
        var seq: Int64 = 1
        for turn in 0..<Int.random(in: 1...3, using: &random) {
            let runs = Int.random(in: 1...3, using: &random)
            var late: [KafkaRecord] = []
            for run in 1...runs {
                for _ in 0..<Int.random(in: 1...12, using: &random) {
                    records.append(record(seq: seq, turn: turn, run: run))
                    seq += 1
                    if !late.isEmpty, Bool.random(using: &random) { records.append(late.removeFirst()) }
                }
                guard run < runs else { continue }
                late = (0..<Int64.random(in: 0...3, using: &random)).map {
                    record(seq: seq + $0, turn: turn, run: run)
                }
                let before = Int.random(in: 0...late.count, using: &random)
                records += late.prefix(before)
                late.removeFirst(before)
            }
        }
        return records
    }

    private static func record(seq: Int64, turn: Int = 0, run: Int) -> KafkaRecord {
        KafkaRecord(
            topic: "events", partition: 0, offset: seq, key: Array("s".utf8),
            value: Array("{\"seq\":\(seq),\"turn\":\(turn),\"run\":\(run)}".utf8),
            headers: [
                KafkaHeader("seq", "\(seq)"), KafkaHeader("turn", "\(turn)"), KafkaHeader("run", "\(run)"),
            ])
    }

    /// The naive model: one rule over everything.
    private static func kept(_ records: [KafkaRecord]) -> [String] {
        var rule = ReaderRule()
        var kept: [(seq: Int64, value: String)] = []
        for frame in records.compactMap({ EventFrame($0) }) {
            switch rule.admit(frame.head) {
            case .drop: continue
            case .accept: break
            case .acceptForgetting(let from, _): kept.removeAll { $0.seq >= from }
            }
            kept.append((frame.seq, String(decoding: frame.value, as: UTF8.self)))
        }
        return kept.map(\.value)
    }
}
