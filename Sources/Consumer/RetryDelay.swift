/// How long the next attempt waits: the first is made at once, then the waits double up to a longest one.
package struct RetryDelay: Sendable, Hashable {
    package var first: Duration
    package var longest: Duration
    /// By which fraction a wait is made longer or shorter at random, so that what failed together does not return
    /// together.
    package var jitter: Double

    package init(first: Duration = .seconds(1), longest: Duration = .seconds(60), jitter: Double = 0.2) {
        self.first = first
        self.longest = longest
        self.jitter = jitter
    }

    /// The wait after `failures` failures in a row.
    package func delay(after failures: Int, using generator: inout some RandomNumberGenerator) -> Duration {
        guard failures > 1 else { return .zero }
        // Beyond 2^30 every first wait has passed the longest; a shift must stay within the integer.
        let wait = min(first * (1 << min(failures - 2, 30)), longest)
        guard jitter > 0 else { return wait }
        return wait * Double.random(in: 1 - jitter...1 + jitter, using: &generator)
    }
}
