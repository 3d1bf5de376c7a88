/// Spaces out beats by an interval. Being late with one does not put off those behind it, so that a long answer does
/// not drift.
struct Metronome<C: Clock> where C.Duration == Duration {
    private let clock: C
    private let interval: Duration
    private var due: C.Instant?

    init(clock: C, interval: Duration) {
        self.clock = clock
        self.interval = interval
    }

    /// Waits for the next beat. The first one is at once.
    mutating func beat() async throws {
        if let due, due > clock.now { try await clock.sleep(until: due, tolerance: nil) }
        let now = clock.now
        let next = (due ?? now).advanced(by: interval)
        // Behind a stall, the beats that were missed are not made up for.
        due = next > now ? next : now.advanced(by: interval)
    }
}
