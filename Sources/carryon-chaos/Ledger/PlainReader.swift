import Conversation

/// The reader's rule in the words of the protocol, and as plainly as can be: what the service's own readers are held to.
enum PlainReader {
    /// What a reader keeps that reads everything at once.
    static func kept(of written: [Event]) -> [Event] {
        var kept: [Event] = []
        var highest: (turn: Int, run: Int)?
        for event in written {
            if let turn = event.turn, let run = event.run {
                if let highest, (turn, run) < highest { continue }
                if let now = highest, (turn, run) > now { kept.removeAll { $0.seq >= event.seq } }
                highest = (turn, run)
            }
            if let last = kept.last, last.seq >= event.seq { continue }
            kept.append(event)
        }
        return kept
    }

    /// The chunks of each turn that no `superseded` took back.
    static func chunks(of kept: [Event]) -> [Int: [Chunk]] {
        var chunks: [Int: [(seq: Int64, chunk: Chunk)]] = [:]
        for event in kept {
            guard let turn = event.turn else { continue }
            switch event.body {
            case .chunk(let chunk): chunks[turn, default: []].append((event.seq, chunk))
            case .control(.superseded(let from)): chunks[turn]?.removeAll { $0.seq >= from }
            case .control: continue
            }
        }
        return chunks.mapValues { $0.map(\.chunk) }
    }
}
