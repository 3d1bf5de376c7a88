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
        guard headers.turn == turn, let run = headers.run, !isTooLarge else { return }
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

/// From where a dead run's answer can be gone on with.
struct ResumePoint: Sendable {
    /// The reason given for the end of an answer that waits for the next message to decide.
    static let interruption = "interrupted"

    /// The answer as its readers have it, without what can't be kept.
    var assembler: MessageAssembler
    /// The answer as the dead run left it.
    var raw: Message
    /// The cleaned answer, if anything of it is left.
    var partial: Message?
    /// Readers have to forget the turn's chunks from here on, if from anywhere.
    var supersededFrom: Int64?
    /// What they have to be told again after that.
    var retold: [Chunk]
    /// How the dead run's answer had ended, if it had.
    var ending: RecoveryEvidence.Ending?
    /// The first seq of the turn's chunks, if there are any.
    var firstChunk: Int64?

    /// Works out where `answer` can be gone on with.
    ///
    /// Unfinished tool calls can't be kept. If nothing else came after the first of them, readers forget from there;
    /// what did come after and is kept is told again.
    init(_ chunks: [(seq: Int64, chunk: Chunk)], lastPolicy: String?, messageID: String) {
        var whole = MessageAssembler(messageID: messageID)
        var applied: [(seq: Int64, chunk: Chunk)] = []
        for (seq, chunk) in chunks {
            switch chunk {
            case .finish: ending = .finished
            case .abort(let abort):
                ending = lastPolicy == "settle" && abort.reason == Self.interruption ? .interrupted : .aborted
            case .error: ending = lastPolicy == "dead-letter" ? .deadLettered : .failed
            default: break
            }
            // A chunk that does not fit is left out by every reader alike.
            if (try? whole.apply(chunk, seq: seq)) != nil { applied.append((seq, chunk)) }
        }
        raw = whole.message
        firstChunk = chunks.first?.seq
        partial = ResponseStream.cleaned(raw)
        retold = []
        assembler = whole
        guard ending == nil, let cut = Self.cut(raw, whole.partSeqs) else { return }
        supersededFrom = cut.seq
        assembler = MessageAssembler(messageID: messageID)
        for (seq, chunk) in applied where seq < cut.seq { try? assembler.apply(chunk, seq: seq) }
        retold = cut.kept
    }

    /// Where what can't be kept begins, and which parts after that are kept.
    private static func cut(
        _ message: Message, _ seqs: [(first: Int64, last: Int64)]
    ) -> (seq: Int64, kept: [Chunk])? {
        func isKept(_ part: Part) -> Bool {
            Message(id: message.id, role: .assistant, parts: [part]).repaired() != nil
        }
        let kept = message.parts.map(isKept)
        let dropped = zip(kept, seqs).filter { !$0.0 }.map(\.1.first)
        guard var cut = dropped.min() else { return nil }
        // A kept part that spans the cut is told again as a whole, which may move the cut.
        while let spanning = seqs.map({ $0 }).filter({ $0.first < cut && $0.last >= cut }).map(\.first).min() {
            cut = spanning
        }
        let parts = zip(message.parts, zip(kept, seqs)).filter { $0.1.0 && $0.1.1.first >= cut }.map(\.0)
        let again = Message(id: message.id, role: .assistant, parts: parts)
        return (cut, Array(again.repaired()?.chunks().dropFirst().dropLast() ?? []))
    }
}
