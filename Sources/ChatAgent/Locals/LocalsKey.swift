/// Names a slot of a session's ``Locals`` and the type of what is in it.
///
/// Two keys with the same id name the same slot, wherever they were made. Keys of different value types are different
/// types, so that one can't be passed for the other.
public struct LocalsKey<Value: Sendable>: Sendable, Hashable {
    /// The slot's name.
    public let id: String

    /// Makes a key for the slot `id`.
    public init(_ id: String) {
        self.id = id
    }
}
