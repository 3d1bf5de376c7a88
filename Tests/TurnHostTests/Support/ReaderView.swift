import Conversation
import Kafka

/// A session's events as a reader has them, who follows the reader's rule.
struct ReaderView {
    private(set) var events: [Event] = []
    /// Records of the session that are none of the project's events.
    private(set) var unreadable = 0

    init(_ records: [KafkaRecord], session: String) {
        var rule = ReaderRule()
        for record in records where record.keyString == session {
            guard
                let event = try? Event(
                    key: record.key, value: record.value, headers: record.headers.map { ($0.name, $0.value) })
            else {
                unreadable += 1
                continue
            }
            switch rule.admit(event.head) {
            case .drop: continue
            case .accept: break
            case .acceptForgetting(let from, _): events.removeAll { $0.seq >= from }
            }
            events.append(event)
        }
    }

    /// Whether every `seq` from 1 on is there once.
    var isGapless: Bool { events.map(\.seq) == (0..<Int64(events.count)).map { $0 + 1 } }

    var completes: [TurnComplete] {
        events.compactMap { if case .control(.turnComplete(let complete)) = $0.body { complete } else { nil } }
    }

    func controls(turn: Int? = nil) -> [ControlRecord] {
        events.compactMap { event in
            guard turn == nil || event.turn == turn, case .control(let control) = event.body else { return nil }
            return control
        }
    }

    /// The turn's chunks that were not superseded.
    func chunks(turn: Int) -> [Chunk] {
        var chunks: [(seq: Int64, chunk: Chunk)] = []
        for event in events where event.turn == turn {
            switch event.body {
            case .chunk(let chunk): chunks.append((event.seq, chunk))
            case .control(.superseded(let from)): chunks.removeAll { $0.seq >= from }
            case .control: continue
            }
        }
        return chunks.map(\.chunk)
    }

    /// The turn's answer, put together strictly.
    func answer(turn: Int) throws -> Message {
        var assembler = MessageAssembler()
        for chunk in chunks(turn: turn) { try assembler.apply(chunk) }
        return assembler.message
    }

    /// One word for each event of the turn: the chunk's type or the control record's subtype.
    func words(turn: Int) -> [String] {
        events.filter { $0.turn == turn }.map { event in
            switch event.body {
            case .chunk(let chunk): chunk.type
            case .control(let control): control.subtype
            }
        }
    }
}
