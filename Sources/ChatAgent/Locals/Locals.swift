package import Conversation
import Synchronization

/// Values that an agent keeps for one session on one worker, by typed key.
///
/// They live as long as the worker holds the session and are gone after an eviction or another worker's takeover: fill
/// them in ``ChatAgent/onBoot(_:)``. Those of a ``DurableLocalsKey`` are part of the checkpoint instead. Safe to use from any task.
public final class Locals: Sendable {
    private let values = Mutex<[String: any Sendable]>([:])
    private let durableValues: Mutex<JSONObject>

    /// Makes an empty store.
    public convenience init() {
        self.init(durable: JSONObject())
    }

    package init(durable: JSONObject) {
        durableValues = Mutex(durable)
    }

    /// What is part of the checkpoint.
    package var durable: JSONObject { durableValues.withLock { $0 } }

    func setDurable(_ value: JSON?, _ id: String) {
        durableValues.withLock { $0[id] = value }
    }

    /// The value of `key`'s slot: `nil` if nothing was set, or if a key of another type set it.
    public subscript<Value>(key: LocalsKey<Value>) -> Value? {
        get { values.withLock { $0[key.id] as? Value } }
        set { values.withLock { $0[key.id] = newValue } }
    }

    /// The value of `key`'s slot. Presence decides, not truth: a stored `false`, `0` or empty string is a value.
    /// - Throws: ``LocalsError`` if nothing was set, or if what was set is of another type.
    public func require<Value>(_ key: LocalsKey<Value>) throws(LocalsError) -> Value {
        let stored = values.withLock { $0[key.id] }
        guard let stored else { throw .missing(id: key.id) }
        guard let value = stored as? Value else {
            throw .wrongType(id: key.id, expected: "\(Value.self)", found: "\(type(of: stored))")
        }
        return value
    }
}

/// Why a value could not be had from ``Locals``.
public enum LocalsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Nothing was set under this id.
    case missing(id: String)
    /// A key of another type set the slot.
    case wrongType(id: String, expected: String, found: String)

    public var description: String {
        switch self {
        case .missing(let id): "no local was set for the key '\(id)'"
        case .wrongType(let id, let expected, let found):
            "the local '\(id)' holds a \(found), not the \(expected) that the key asks for"
        }
    }
}
