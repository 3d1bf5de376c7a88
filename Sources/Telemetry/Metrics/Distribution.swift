/// How many values there were up to each of some bounds.
package struct Distribution: Sendable, Hashable {
    /// Ascending.
    package let bounds: [Double]
    /// Of each bound, the values above the one before it; one more for those above the last.
    package private(set) var counts: [UInt64]
    package private(set) var sum = 0.0
    package var count: UInt64 { counts.reduce(0, +) }

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
    }

    /// - Returns: `nil` if these are not counts for those bounds.
    package init?(bounds: [Double], counts: [UInt64], sum: Double) {
        guard counts.count == bounds.count + 1 else { return nil }
        self.bounds = bounds
        self.counts = counts
        self.sum = sum
    }

    /// The bucket of a value: a bound belongs to the values up to it.
    func bucket(of value: Double) -> Int {
        var (low, high) = (0, bounds.count)
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        return low
    }

    mutating func record(_ value: Double) {
        // Neither has a place among the others.
        guard value.isFinite else { return }
        counts[bucket(of: value)] += 1
        sum += value
    }

    /// Takes values over that were counted elsewhere. Other bounds are not these: nothing is taken then.
    mutating func add(_ other: Distribution) {
        guard other.bounds == bounds else { return }
        for index in counts.indices { counts[index] += other.counts[index] }
        sum += other.sum
    }

    /// What came since `earlier`, which is an earlier state of the same.
    func subtracting(_ earlier: Distribution) -> Distribution {
        var difference = self
        for index in counts.indices { difference.counts[index] -= min(earlier.counts[index], counts[index]) }
        difference.sum -= earlier.sum
        return difference
    }
}
