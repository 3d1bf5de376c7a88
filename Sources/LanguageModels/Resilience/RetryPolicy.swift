#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// When a call of a provider that failed is made again.
///
/// The waits grow from failure to failure, up to a longest one, and are shortened at random so that what failed
/// together does not return together. A provider that says itself how long to wait is believed. What can never succeed
/// is not tried again.
///
/// A value without a clock: it says how long to wait, and its caller waits.
public struct RetryPolicy: Sendable, Hashable {
    /// How often a call is made at most, the first time included. Less than 1 counts as 1.
    public var attempts: Int
    /// The wait after the first failure.
    public var firstDelay: Duration
    /// How many times longer each further wait is. Less than 1 counts as 1.
    public var factor: Double
    /// The longest wait that is chosen here.
    public var maximumDelay: Duration
    /// The longest wait that a provider may ask for. If it asks for more, the call has failed for good.
    public var longestServerDelay: Duration
    /// By which fraction of itself a wait varies, from 0 for not at all to 1.
    public var jitter: Double

    /// Makes a policy.
    ///
    /// - Parameters:
    ///   - attempts: how often a call is made at most, the first time included.
    ///   - firstDelay: the wait after the first failure.
    ///   - factor: how many times longer each further wait is.
    ///   - maximumDelay: the longest wait that is chosen here.
    ///   - longestServerDelay: the longest wait that a provider may ask for.
    ///   - jitter: by which fraction of itself a wait varies, from 0 to 1.
    public init(
        attempts: Int = 4, firstDelay: Duration = .milliseconds(500), factor: Double = 2,
        maximumDelay: Duration = .seconds(30), longestServerDelay: Duration = .seconds(60), jitter: Double = 0.2
    ) {
        self.attempts = attempts
        self.firstDelay = firstDelay
        self.factor = factor
        self.maximumDelay = maximumDelay
        self.longestServerDelay = longestServerDelay
        self.jitter = jitter
    }

    /// Four attempts within a few seconds.
    public static let standard = RetryPolicy()
    /// One attempt.
    public static let none = RetryPolicy(attempts: 1)

    /// How long to wait before the call is made again.
    ///
    /// A wait that the provider asked for is never cut short; it is made longer by up to ``jitter`` times the wait that
    /// would have been chosen here.
    ///
    /// - Parameters:
    ///   - error: the latest failure.
    ///   - failures: how many attempts have failed, that one included.
    ///   - random: from 0 to 1: where in the range of its jitter the wait lies.
    /// - Returns: `nil` to give up: the call can never succeed as it is, its attempts are used up, or the provider asks
    ///   for more than ``longestServerDelay``.
    public func delay(after error: ModelError, failures: Int, random: Double) -> Duration? {
        guard error.isRetriable, failures < max(attempts, 1) else { return nil }
        let delay = delay(afterFailures: failures)
        let variation = delay * (Self.fraction(jitter) * Self.fraction(random))
        guard let asked = error.retryAfter else { return delay - variation }
        return asked <= longestServerDelay ? max(asked, .zero) + variation : nil
    }

    private func delay(afterFailures failures: Int) -> Duration {
        let longest = max(maximumDelay, .zero)
        guard firstDelay > .zero, firstDelay < longest else { return min(max(firstDelay, .zero), longest) }
        let growth = pow(factor > 1 ? factor : 1, Double(max(failures, 1) - 1))
        // Compared before it is multiplied: a duration cannot hold every number that a power can reach.
        return growth < longest / firstDelay ? firstDelay * growth : longest
    }

    /// What is no number counts as none at all.
    private static func fraction(_ value: Double) -> Double { value > 0 ? min(value, 1) : 0 }
}
