import Conversation
import Testing

@Suite("The reader's rule")
struct ReaderRuleTests {
    struct Record: Hashable, CustomStringConvertible {
        let seq: Int64
        let turn: Int?
        let run: Int?

        var description: String { "\(seq)@\(turn.map { "\($0)" } ?? "-").\(run.map { "\($0)" } ?? "-")" }
    }

    /// A reader that does what the rule says.
    private struct Reader {
        var rule = ReaderRule()
        var kept: [Record] = []

        @discardableResult
        mutating func read(_ record: Record) -> ReaderRule.Decision {
            let decision = rule.admit(seq: record.seq, turn: record.turn, run: record.run)
            switch decision {
            case .drop: break
            case .accept: kept.append(record)
            case .acceptForgetting(let from, _):
                kept.removeAll { $0.seq >= from }
                kept.append(record)
            }
            return decision
        }
    }

    @Test("S70: Of a log that was trimmed or compacted a reader takes what there is, and its position moves with it")
    func trimmedLog() {
        var rule = ReaderRule(after: 3)
        // The beginning is gone, and so are records in between: retention, compaction, a transaction's markers.
        for (seq, turn) in [(40, 5), (41, 5), (57, 6), (58, 6)] {
            #expect(rule.admit(seq: Int64(seq), turn: turn, run: 1) == .accept)
            #expect(rule.position == Int64(seq))
        }
        #expect(rule.admit(seq: 41, turn: 5, run: 1) == .drop)
        #expect(rule.position == 58)
    }

    @Test("A fenced worker's last words are forgotten, and later ones dropped")
    func lastWords() {
        var rule = ReaderRule()
        #expect(rule.admit(seq: 1, turn: 0, run: 1) == .accept)
        #expect(rule.admit(seq: 2, turn: 0, run: 1) == .accept)
        #expect(rule.admit(seq: 3, turn: 0, run: 1) == .accept)
        #expect(rule.admit(seq: 2, turn: 0, run: 2) == .acceptForgetting(from: 2, turn: 0))
        #expect(rule.admit(seq: 4, turn: 0, run: 1) == .drop)
        #expect(rule.admit(seq: 3, turn: 0, run: 2) == .accept)
        #expect(rule.admit(seq: 3, turn: 0, run: 2) == .drop)
        #expect(rule.position == 3)
    }

    @Test("A run that goes on where the last one stopped forgets nothing")
    func plainTakeover() {
        var rule = ReaderRule()
        #expect(rule.admit(seq: 1, turn: 0, run: 1) == .accept)
        #expect(rule.admit(seq: 2, turn: 0, run: 3) == .accept)
        #expect(rule.admit(seq: 3, turn: 0, run: 2) == .drop)
        #expect(rule.admit(seq: 3, turn: 1, run: 1) == .accept)
        #expect(rule.admit(seq: 4, turn: 0, run: 3) == .drop)
        #expect(rule.admit(seq: 4, turn: nil, run: nil) == .accept)
        #expect(rule.admit(seq: 4, turn: nil, run: nil) == .drop)
        #expect(rule.admit(seq: 5, turn: 1, run: 1) == .accept)
    }

    @Test("A reader that resumes in the middle of a recovered turn sees the rest once, and forgets nothing")
    func resume() {
        var rule = ReaderRule(after: 4)
        let again: [(Int64, Int)] = [(1, 1), (2, 1), (3, 2), (4, 2)]
        for (seq, run) in again { #expect(rule.admit(seq: seq, turn: 0, run: run) == .drop) }
        #expect(rule.admit(seq: 5, turn: 0, run: 2) == .accept)
    }

    @Test("A reader that resumes beyond a fenced worker's last words is told nothing twice")
    func resumeBeyondLastWords() {
        var rule = ReaderRule(after: 6)
        let again: [(Int64, Int)] = [(1, 1), (2, 1), (3, 1), (4, 1), (3, 2), (5, 1), (4, 2), (5, 2), (6, 2)]
        for (seq, run) in again { #expect(rule.admit(seq: seq, turn: 0, run: run) == .drop) }
        #expect(rule.admit(seq: 7, turn: 0, run: 2) == .accept)
    }

    @Test("A reader that resumes after a fenced worker's last words forgets them")
    func resumeAfterLastWords() {
        var rule = ReaderRule(after: 4)
        for seq in Int64(1)...4 { #expect(rule.admit(seq: seq, turn: 0, run: 1) == .drop) }
        #expect(rule.admit(seq: 3, turn: 0, run: 2) == .acceptForgetting(from: 3, turn: 0))
        #expect(rule.admit(seq: 4, turn: 0, run: 2) == .accept)
    }

    @Test("Random records: the rule agrees with a model that remembers everything", arguments: UInt64(0)..<200)
    func model(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var reader = Reader()
        var model = Model()
        for step in 0..<60 {
            let hasTurn = !random.oneIn(6)
            let record = Record(
                seq: Int64(1 + random.below(12)), turn: hasTurn ? random.below(3) : nil,
                run: hasTurn ? 1 + random.below(3) : nil)
            reader.read(record)
            model.read(record)
            #expect(reader.kept == model.kept, Comment(rawValue: "seed \(seed), step \(step), \(record)"))
        }
    }

    /// The protocol's sentences, word for word, over the whole past.
    private struct Model {
        var kept: [Record] = []
        private var runs: [(turn: Int, run: Int)] = []

        mutating func read(_ record: Record) {
            if let turn = record.turn, let run = record.run {
                let highest = runs.max { $0 < $1 }
                runs.append((turn, run))
                if let highest {
                    if (turn, run) < highest { return }
                    if (turn, run) > highest, kept.contains(where: { $0.seq >= record.seq }) {
                        kept.removeAll { $0.seq >= record.seq }
                        kept.append(record)
                        return
                    }
                }
            }
            if kept.contains(where: { $0.seq >= record.seq }) { return }
            kept.append(record)
        }
    }

    @Test("Fenced workers, records read twice: what is kept is the truth, gapless", arguments: UInt64(0)..<300)
    func truth(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let session = LawfulSession(&random)
        var reader = Reader()
        var position = 0
        while position < session.log.count {
            reader.read(session.log[position])
            position += 1
            // A reader that reconnects reads some of the log again.
            if random.oneIn(12) { position = random.below(position + 1) }
        }
        #expect(reader.kept == session.truth, Comment(rawValue: "seed \(seed): \(session.log)"))
        #expect(reader.rule.position == Int64(session.truth.count))
    }

    @Test("A reader that resumes with nothing but its last seq still ends with the truth", arguments: UInt64(0)..<300)
    func resumedTruth(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let session = LawfulSession(&random)
        var reader = Reader()
        for record in session.log.prefix(random.below(session.log.count + 1)) { reader.read(record) }
        reader.rule = ReaderRule(after: reader.rule.position)
        for record in session.log { reader.read(record) }
        #expect(reader.kept == session.truth, Comment(rawValue: "seed \(seed): \(session.log)"))
    }

    /// A session's log as rightful and fenced workers write it, and what of it is true.
    private struct LawfulSession {
        var truth: [Record] = []
        var log: [Record] = []
        private var fenced: [[Record]] = []

        init(_ random: inout SeededRandom) {
            for turn in 0..<4 {
                var run = 1
                write(Record(seq: next, turn: turn, run: run), &random)
                while true {
                    for _ in 0..<random.below(5) { write(Record(seq: next, turn: turn, run: run), &random) }
                    if random.oneIn(2) { break }
                    fence(turn: turn, run: run, &random)
                    run += 1
                    write(Record(seq: next, turn: turn, run: run), &random)
                }
                if random.oneIn(3) { write(Record(seq: next, turn: nil, run: nil), &random) }
            }
            while !fenced.isEmpty { writeLastWord(&random) }
        }

        private var next: Int64 { Int64(truth.count + 1) }

        private mutating func write(_ record: Record, _ random: inout SeededRandom) {
            while !fenced.isEmpty, random.oneIn(3) { writeLastWord(&random) }
            truth.append(record)
            log.append(record)
        }

        /// The worker has lost its partition and does not know; the next one has read the log up to here.
        private mutating func fence(turn: Int, run: Int, _ random: inout SeededRandom) {
            let words = (0..<random.below(5)).map { Record(seq: next + Int64($0), turn: turn, run: run) }
            if !words.isEmpty { fenced.append(words) }
        }

        private mutating func writeLastWord(_ random: inout SeededRandom) {
            let worker = random.below(fenced.count)
            log.append(fenced[worker].removeFirst())
            if fenced[worker].isEmpty { fenced.remove(at: worker) }
        }
    }
}
