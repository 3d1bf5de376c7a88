import Conversation

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Locals {
    /// The value of a durable slot; `nil` if nothing was set.
    /// - Throws: `DecodingError` if what is stored is not a `Value`, for instance after the type has changed.
    public func value<Value>(_ key: DurableLocalsKey<Value>) throws -> Value? {
        guard let stored = durable[key.id] else { return nil }
        return try JSONDecoder().decode(Value.self, from: Data(stored.serialized()))
    }

    /// Sets a durable slot; `nil` empties it.
    /// - Throws: `EncodingError` if the value has no JSON form.
    public func set<Value>(_ value: Value?, for key: DurableLocalsKey<Value>) throws {
        guard let value else { return setDurable(nil, key.id) }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        setDurable(try JSON(parsing: Array(try encoder.encode(value))), key.id)
    }
}
