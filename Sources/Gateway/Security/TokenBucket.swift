/// Lets through so many calls a second, and as many at once after a quiet second.
struct TokenBucket: Sendable {
    private let rate: Double
    private var level: Double
    private var filledAt: Double

    /// - Parameters:
    ///   - rate: calls a second, more than 0; also the most at once, and at least one.
    ///   - now: in seconds, of any clock that does not go back.
    init(rate: Double, now: Double) {
        self.rate = rate
        level = max(1, rate)
        filledAt = now
    }

    /// Takes a call, if there is room for one.
    /// - Returns: `nil`, or the seconds after which there will be.
    mutating func take(now: Double) -> Double? {
        level = min(max(1, rate), level + max(0, now - filledAt) * rate)
        filledAt = max(filledAt, now)
        guard level < 1 else {
            level -= 1
            return nil
        }
        return (1 - level) / rate
    }

    /// Whether it is as good as a new one.
    func isFull(now: Double) -> Bool { level + max(0, now - filledAt) * rate >= max(1, rate) }
}
