/// A large value that takes one word where it is held: in the frames of suspended functions, of which a host keeps one
/// set for every turn that streams, in closures, in queues.
///
/// A value, not a reference: copies share the content until one of them changes it.
@propertyWrapper
package struct Boxed<Value: Sendable>: Sendable {
    // Unchecked because of the mutable content. It is changed only through a box that nobody else refers to (see
    // `_modify`), so that no two tasks ever have a part in a change.
    private final class Storage: @unchecked Sendable {
        var value: Value

        init(_ value: Value) {
            self.value = value
        }
    }

    private var storage: Storage

    package init(wrappedValue: Value) {
        storage = Storage(wrappedValue)
    }

    package var wrappedValue: Value {
        _read { yield storage.value }
        _modify {
            if !isKnownUniquelyReferenced(&storage) { storage = Storage(storage.value) }
            yield &storage.value
        }
    }
}

extension Boxed: Equatable where Value: Equatable {
    package static func == (one: Boxed, other: Boxed) -> Bool {
        one.storage === other.storage || one.storage.value == other.storage.value
    }
}

extension Boxed: Hashable where Value: Hashable {
    package func hash(into hasher: inout Hasher) {
        hasher.combine(storage.value)
    }
}
