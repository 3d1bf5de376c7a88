/// A clock on which nobody waits: whoever sleeps is woken at once, and it is then as late as they wanted it to be.
///
/// Without sleepers it stands still. The bounds that a worker sets to what it waits for, such as the timeout of a tool,
/// are reached only when a sleep moves the time that far. Safe to use from any task.
public final class ImmediateClock: Clock, Sendable {
    private let time = ManualClock()

    /// Makes a clock at its beginning.
    public init() {}

    public var now: VirtualInstant { time.now }
    public var minimumResolution: Duration { .zero }

    /// Moves the time on to `deadline`, if it is earlier, and returns.
    /// - Throws: `CancellationError` if the task is cancelled; the time stays as it was.
    public func sleep(until deadline: VirtualInstant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        time.advance(to: deadline)
    }

    /// Moves the time on.
    public func advance(by duration: Duration) {
        time.advance(by: duration)
    }

    /// Suspends until somebody else has moved the time on to `deadline`.
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func untilReached(_ deadline: VirtualInstant) async throws {
        try await time.sleep(until: deadline, tolerance: nil)
    }
}
