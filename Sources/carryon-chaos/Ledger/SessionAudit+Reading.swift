import Conversation
import SessionStore

extension SessionAudit {
    /// By `seq`, events are gapless, and a reader that lost its connection now and then has what one has that did not.
    mutating func checkReading() {
        for (event, seq) in zip(kept, Int64(1)...) where event.seq != seq {
            find(.reading, nil, "the reader's seq", expected: seq, came: event.seq)
            break
        }
        if let stored = evidence.stored, stored.nextSeq != Int64(kept.count) + 1 {
            find(.reading, nil, "the stored next seq", expected: kept.count + 1, came: stored.nextSeq)
        }
        guard evidence.followed != kept else { return }
        let place = zip(kept, evidence.followed).first { $0 != $1 }
        find(
            .reading, nil, "what a reader has that lost its connection now and then",
            expected: place.map { Self.show($0.0) } ?? "\(kept.count) events",
            came: place.map { Self.show($0.1) } ?? "\(evidence.followed.count) events")
    }

    /// A session's requests take effect in their order, one at a time.
    mutating func checkOrder() {
        let offsets = kept.compactMap(\.requestOffset)
        if let place = zip(offsets, offsets.dropFirst()).first(where: { $0 > $1 }) {
            find(.reordered, nil, "the offsets of requests in the events", expected: "rising", came: place)
        }
        let turns = kept.compactMap(\.turn)
        if let place = zip(turns, turns.dropFirst()).first(where: { $0 > $1 || $1 > $0 + 1 }) {
            find(.reordered, nil, "the turns in the events", expected: "one after the other", came: place)
        }
        let ended = kept.compactMap { event -> Int? in
            if case .control(.turnComplete(let complete)) = event.body { complete.turn } else { nil }
        }
        if ended != Array(0..<ended.count) {
            find(.reordered, nil, "the turns that ended", expected: "0 to \(ended.count - 1)", came: ended)
        }
        if let stored = evidence.stored, stored.turns != ended.count {
            find(.lost, nil, "the number of turns in the store", expected: ended.count, came: stored.turns)
        }
    }

    private static func show(_ event: Event) -> String {
        let place = "seq \(event.seq), turn \(event.turn ?? -1), run \(event.run ?? -1)"
        return "\(String(decoding: event.valueBytes, as: UTF8.self)) at \(place)"
    }
}
