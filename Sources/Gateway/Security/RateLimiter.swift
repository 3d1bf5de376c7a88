import Synchronization

/// A bucket for each caller; those of callers that have gone are let go.
final class RateLimiter: Sendable {
    private let rate: Double
    private let buckets = Mutex<[String: TokenBucket]>([:])
    private let start = ContinuousClock.now
    private static let most = 10_000

    /// - Parameter rate: calls a second of one caller.
    init(rate: Int) { self.rate = Double(rate) }

    /// Takes a call of the caller.
    /// - Returns: `nil`, or the whole seconds to wait.
    func take(_ caller: String) -> Int? {
        let passed = ContinuousClock.now - start
        let now = Double(passed.components.seconds) + Double(passed.components.attoseconds) * 1e-18
        return buckets.withLock { buckets in
            if buckets.count >= Self.most, buckets[caller] == nil {
                buckets = buckets.filter { !$0.value.isFull(now: now) }
            }
            var bucket = buckets[caller] ?? TokenBucket(rate: rate, now: now)
            let wait = bucket.take(now: now)
            buckets[caller] = bucket
            return wait.map { max(1, Int($0.rounded(.up))) }
        }
    }
}
