import Conversation

/// Which letters somebody means.
enum LetterSelection: Sendable, Hashable {
    /// What a letter has to be.
    struct Filter: Sendable, Hashable {
        var session: String?
        var cause: String?
        /// Set aside then or later.
        var since: Timestamp?
        /// Set aside earlier than that.
        var until: Timestamp?
        var includesResolved = false

        func matches(_ entry: LetterLedger.Entry) -> Bool {
            let letter = entry.letter
            return (includesResolved || entry.isOpen)
                && (session.map { Array($0.utf8) == letter.key } ?? true)
                && (cause.map { $0 == letter.cause } ?? true)
                && (since.map { letter.writtenAt >= $0.milliseconds } ?? true)
                && (until.map { letter.writtenAt < $0.milliseconds } ?? true)
        }
    }

    case these([LetterID])
    case matching(Filter)

    /// - Returns: the entries that are meant, in the order of their ids, and those ids that no letter has.
    func select(from entries: [LetterLedger.Entry]) -> (selected: [LetterLedger.Entry], missing: [LetterID]) {
        switch self {
        case .matching(let filter): return (entries.filter(filter.matches), [])
        case .these(let ids):
            var wanted = Set(ids)
            let selected = entries.filter { entry in
                let names = [entry.letter.id] + entry.repeats
                return names.count { wanted.remove($0) != nil } > 0
            }
            return (selected, wanted.sorted())
        }
    }

    /// Whether the undecodable are meant too: they would come back, so it takes more than to mean everything.
    var namesUndecodable: Bool {
        switch self {
        case .these: true
        case .matching(let filter): filter.cause == "undecodable"
        }
    }
}
