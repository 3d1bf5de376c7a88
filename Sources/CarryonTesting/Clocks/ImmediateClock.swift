import Synchronization

/// A clock on which nobody waits: whoever sleeps is woken at once, and it is then as late as they wanted it to be.
///
/// Without sleepers it stands still. Safe to use from any task.
public final class ImmediateClock: Clock, Sendable {
    private let elapsed = Mutex(Duration.zero)

    /// Makes a clock at its beginning.
    public init() {}

    public var now: VirtualInstant { VirtualInstant(offset: elapsed.withLock { $0 }) }
    public var minimumResolution: Duration { .zero }

    /// Moves the time on to `deadline`, if it is earlier, and returns.
    /// - Throws: `CancellationError` if the task is cancelled; the time stays as it was.
    public func sleep(until deadline: VirtualInstant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        elapsed.withLock { $0 = max($0, deadline.offset) }
    }

    /// Moves the time on.
    public func advance(by duration: Duration) {
        elapsed.withLock { $0 += max(duration, .zero) }
    }
}
