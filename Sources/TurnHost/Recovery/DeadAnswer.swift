import ChatAgent
import Conversation

/// What the events say of a turn that was begun and not settled: the reader's view of it, so that its next run goes on
/// from there.
struct DeadAnswer: Sendable {
    private struct Entry {
        var seq: Int64
        var run: Int
        var value: [UInt8]
        var control: String?
    }

    /// More than this of one answer is not held: the turn is run again from its beginning.
    static let largest = 16 * 1024 * 1024

    let turn: Int
    private var rule = ReaderRule()
    private var entries: [Entry] = []
    /// What is held of it.
    private(set) var bytes = 0
    private(set) var isTooLarge = false
    /// The seq up to which everything is there.
    private(set) var highestSeq: Int64
    /// Whether readers were told anything, beside what only a rebuild of the store reads.
    private var hasWords = false
    /// Whether a run told what its settlement would change.
    private(set) var hasCheckpoint = false
    /// Which span wrote the last of it, if that was said.
    private(set) var traceparent: String?
    /// The first seq of the turn's events.
    let firstSeq: Int64

    /// - Parameter firstSeq: the first seq that an event of the turn can have.
    init(turn: Int, firstSeq: Int64) {
        self.turn = turn
        self.firstSeq = firstSeq
        highestSeq = firstSeq - 1
    }

    /// Takes one of the session's events, in the log's order.
    mutating func take(_ headers: EventHeaders, value: [UInt8]) {
        guard headers.seq >= firstSeq else { return }
        switch rule.admit(headers) {
        case .drop: return
        case .accept: break
        case .acceptForgetting(let from, _):
            while let last = entries.last, last.seq >= from {
                bytes -= last.value.count
                entries.removeLast()
            }
            highestSeq = min(highestSeq, from - 1)
        }
        // A record in between was refused: what follows it is nothing to go on from. The next run writes over it.
        guard headers.seq == highestSeq + 1 else { return }
        highestSeq = headers.seq
        if headers.control == "checkpoint" { hasCheckpoint = true } else { hasWords = true }
        guard headers.turn == turn, let run = headers.run, !isTooLarge else { return }
        traceparent = headers.traceparent
        bytes += value.count
        guard bytes <= Self.largest else { return giveUp() }
        entries.append(Entry(seq: headers.seq, run: run, value: value, control: headers.control))
    }

    /// Holds nothing of it: the turn is to be run again from its beginning.
    mutating func giveUp() {
        isTooLarge = true
        entries = []
        bytes = 0
    }

    /// The first seq that dead runs of something that is no turn wrote at, if they told readers anything.
    var firstUnfinished: Int64? { hasWords && highestSeq >= firstSeq ? firstSeq : nil }

    /// The policy of the last run that had taken over from another, if one had.
    var lastPolicy: String? {
        guard let entry = entries.last(where: { $0.control == "recovered" }), let json = try? JSON(parsing: entry.value)
        else { return nil }
        return json.objectValue?["policy"]?.stringValue
    }

    /// The answer as a reader has it, chunk by chunk. What can't be read was nothing to a reader either.
    func chunks() -> [(seq: Int64, chunk: Chunk)] {
        var chunks: [(seq: Int64, chunk: Chunk)] = []
        for entry in entries {
            if let control = entry.control {
                guard control == "superseded", let json = try? JSON(parsing: entry.value),
                    let from = json.objectValue?["fromSeq"]?.int
                else { continue }
                chunks.removeAll { $0.seq >= Int64(from) }
            } else if let chunk = try? Chunk(parsing: entry.value) {
                chunks.append((entry.seq, chunk))
            }
        }
        return chunks
    }
}
