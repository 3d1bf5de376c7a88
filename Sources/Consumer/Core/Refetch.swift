/// The deferred requests of one partition that were called for, until they arrive: one read at a time.
struct Refetch {
    struct Wanted {
        var claimant: FairShare.Claimant
        var deferred: FairShare.Deferred
    }

    /// By offset.
    private var wanted: [Int64: Wanted] = [:]
    /// The number of the read that is under way.
    private(set) var underWay: Int64?
    /// What that read is to bring, ascending. What is wanted since then is none of its business.
    private var asked: [Int64] = []
    /// What the wanted weigh.
    private(set) var bytes = 0

    mutating func want(_ called: Wanted) {
        wanted[called.deferred.entry.offset] = called
        bytes += called.deferred.entry.bytes
    }

    /// What the next read is to bring, if there is one to be begun.
    mutating func begin(number: Int64) -> [Int64]? {
        guard underWay == nil, !wanted.isEmpty else { return nil }
        underWay = number
        asked = wanted.keys.sorted()
        return asked
    }

    /// The read has come up to `offset`. Returns what it was to bring before that, in order.
    mutating func finish(upTo offset: Int64) -> [Wanted] {
        underWay = nil
        let passed = asked.prefix { $0 < offset }.compactMap { wanted.removeValue(forKey: $0) }
        for one in passed { bytes -= one.deferred.entry.bytes }
        return passed
    }
}
