import Conversation
import TestSupport

/// A reader of one session that follows its events as they come, loses its connection now and then, and goes on after
/// the last `seq` that it has, as a browser does.
struct FollowingReader: Sendable {
    private var rule = ReaderRule()
    private var generator: SeededGenerator
    /// Everything in the log so far, for whoever comes back.
    private(set) var written: [Event] = []
    /// What the reader has.
    private(set) var kept: [Event] = []
    /// Where in the log the running turn begins.
    private var turnStart = 0
    private var turn: Int?
    private(set) var reconnects = 0

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    /// Reads the log's next record.
    /// - Returns: whether the reader has it now.
    mutating func read(_ event: Event) -> Bool {
        if let next = event.turn, next > turn ?? -1 {
            turn = next
            turnStart = written.count
        }
        written.append(event)
        let isKept = admit(event)
        if Int.random(in: 0..<50, using: &generator) == 0 { reconnect() }
        return isKept
    }

    private mutating func admit(_ event: Event) -> Bool {
        switch rule.admit(event.head) {
        case .drop: return false
        case .accept: break
        case .acceptForgetting(let from, _): kept.removeAll { $0.seq >= from }
        }
        kept.append(event)
        return true
    }

    /// Comes back with nothing but its position, and is given the log from the running turn on, or all of it.
    private mutating func reconnect() {
        reconnects += 1
        rule = ReaderRule(after: kept.last?.seq ?? 0)
        let start = Bool.random(using: &generator) ? 0 : turnStart
        for event in written[start...] { _ = admit(event) }
    }
}
