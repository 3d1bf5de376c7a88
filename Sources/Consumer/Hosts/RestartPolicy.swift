/// How long a place waits for its next host. A host that has worked died of its work, and another can be started at once;
/// those that die one after another without having got that far are started ever more seldom, so that a broken executable
/// does not take the machine with it.
package struct RestartPolicy: Sendable {
    private let window: Duration
    private let delays: RetryDelay
    private var streak = 0
    private var lastDeath: ContinuousClock.Instant?
    private var lastDelay = Duration.zero

    package init(window: Duration = .seconds(60), delays: RetryDelay = RetryDelay(jitter: 0)) {
        self.window = window
        self.delays = delays
    }

    /// The place's host has died; returns how long to wait before the next is started.
    /// - Parameter hasWorked: whether anything had begun in it.
    package mutating func died(hasWorked: Bool, at now: ContinuousClock.Instant) -> Duration {
        if hasWorked {
            streak = 0
            lastDeath = nil
            return .zero
        }
        // The wait itself is no sign of health: the window begins after it.
        if let lastDeath, now - lastDeath <= window + lastDelay { streak += 1 } else { streak = 1 }
        lastDeath = now
        var generator = SplitMix64(state: UInt64(streak))
        lastDelay = delays.delay(after: streak, using: &generator)
        return lastDelay
    }
}
