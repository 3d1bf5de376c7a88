/// A moment of a test's own time: how long after the clock's beginning it is.
public struct VirtualInstant: InstantProtocol {
    /// The time since the clock's beginning.
    public var offset: Duration

    /// Makes the moment that is `offset` after the clock's beginning.
    public init(offset: Duration = .zero) {
        self.offset = offset
    }

    public func advanced(by duration: Duration) -> VirtualInstant { VirtualInstant(offset: offset + duration) }
    public func duration(to other: VirtualInstant) -> Duration { other.offset - offset }
    public static func < (one: VirtualInstant, other: VirtualInstant) -> Bool { one.offset < other.offset }
}
