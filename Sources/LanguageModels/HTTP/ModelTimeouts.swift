/// How long a provider may keep a call waiting.
public struct ModelTimeouts: Sendable, Hashable {
    /// For the connection to be there.
    public let connect: Duration
    /// From the beginning of the call until the answer begins. A provider's word that it is still there is no beginning.
    public let firstToken: Duration
    /// Between two signs of life while the answer streams.
    public let idle: Duration

    /// Makes timeouts. Less than a millisecond counts as one, more than a day as one.
    ///
    /// - Parameters:
    ///   - connect: for the connection to be there.
    ///   - firstToken: from the beginning of the call until the answer begins.
    ///   - idle: between two signs of life while the answer streams.
    public init(
        connect: Duration = .seconds(10), firstToken: Duration = .seconds(60), idle: Duration = .seconds(60)
    ) {
        self.connect = Self.bounded(connect)
        self.firstToken = Self.bounded(firstToken)
        self.idle = Self.bounded(idle)
    }

    private static func bounded(_ duration: Duration) -> Duration {
        min(max(duration, .milliseconds(1)), .seconds(86_400))
    }
}
