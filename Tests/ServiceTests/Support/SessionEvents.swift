import Conversation
import Kafka

/// A session's records on the events topic: as they were written, and as a reader keeps them.
struct SessionEvents: Sendable {
    /// Every record, in the log's order.
    private(set) var written: [Event] = []
    /// What the reader's rule leaves.
    private(set) var kept: [Event] = []

    private var rule = ReaderRule()

    /// - Parameter records: of the events topic, in the log's order; those of other sessions are passed over, and those
    ///   without a value, which tell of what an operator did.
    init(session: String, records: [KafkaRecord]) throws {
        for record in records where record.keyString == session && record.value != nil {
            append(try Event(key: record.key, value: record.value, headers: record.headers.map { ($0.name, $0.value) }))
        }
    }

    private mutating func append(_ event: Event) {
        written.append(event)
        switch rule.admit(event.head) {
        case .drop: return
        case .accept: kept.append(event)
        case .acceptForgetting(let from, _):
            kept.removeAll { $0.seq >= from }
            kept.append(event)
        }
    }

    /// The control records that a reader keeps.
    var controls: [ControlRecord] {
        kept.compactMap { event in
            if case .control(let control) = event.body { return control }
            return nil
        }
    }

    var turnsCompleted: [TurnComplete] {
        controls.compactMap { control in
            if case .turnComplete(let complete) = control { return complete }
            return nil
        }
    }

    /// The causes of the `recovered` records.
    var recoveryCauses: [String] { recoveries.map(\.cause) }

    var recoveries: [(cause: String, policy: String)] {
        controls.compactMap { control in
            if case .recovered(let cause, _, let policy, _) = control { return (cause, policy) }
            return nil
        }
    }

    /// The answer of a turn, put together from its chunks.
    func answer(turn: Int) throws -> Message {
        var chunks: [(seq: Int64, chunk: Chunk)] = []
        for event in kept where event.turn == turn {
            switch event.body {
            case .chunk(let chunk): chunks.append((event.seq, chunk))
            case .control(.superseded(let from)): chunks.removeAll { $0.seq >= from }
            case .control: break
            }
        }
        var assembler = MessageAssembler()
        for chunk in chunks { try assembler.apply(chunk.chunk, seq: chunk.seq) }
        return assembler.message
    }

    /// Invariant 5, as far as `seq` goes: 1, 2, 3 and so on.
    func checkGapless() throws {
        let seqs = kept.map(\.seq)
        guard seqs != Array(1...Int64(max(1, kept.count))) else { return }
        let place = zip(seqs, Int64(1)...).first { $0.0 != $0.1 }
        throw Discrepancy(
            "the reader's seq", expected: "1 to \(kept.count) without a gap",
            came: place.map { "\($0.0) in the place of \($0.1)" } ?? "nothing at all")
    }
}
