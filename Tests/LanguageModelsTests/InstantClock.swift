import Synchronization

/// A clock that stands still, except where someone sleeps on it: then it is later at once, and by its lateness too
/// late.
final class InstantClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (one: Instant, other: Instant) -> Bool { one.offset < other.offset }
    }

    private let elapsed = Mutex(Duration.zero)
    private let lateness: Duration

    init(lateness: Duration = .zero) { self.lateness = lateness }

    /// How much time has passed.
    var now: Instant { Instant(offset: elapsed.withLock { $0 }) }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        elapsed.withLock { $0 = max($0, deadline.offset + lateness) }
    }

    func advance(by duration: Duration) { elapsed.withLock { $0 += duration } }
}
