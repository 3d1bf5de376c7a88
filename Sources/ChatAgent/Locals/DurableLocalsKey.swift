/// Names a slot of a session's ``Locals`` whose value is part of the checkpoint: it survives an eviction, a death and a
/// change of worker.
///
/// What was set becomes durable with the settlement of the turn or action that set it. Keep it small: it is written
/// whole whenever it changes.
public struct DurableLocalsKey<Value: Codable & Sendable>: Sendable, Hashable {
    /// The slot's name. The same name without durability is another slot.
    public let id: String

    /// Makes a key for the slot `id`.
    public init(_ id: String) {
        self.id = id
    }
}
