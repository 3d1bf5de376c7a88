import SessionStore
import Synchronization

/// What a host hangs by: once it is cut, nothing that the host does has an effect any more, as if its process were
/// dead.
final class Lifeline: Sendable {
    struct Cut: Error {}

    private let state = Mutex(false)

    var isCut: Bool { state.withLock { $0 } }

    func cut() {
        state.withLock { $0 = true }
    }

    func check() throws(StoreError) {
        if isCut { throw StoreError(code: .closed, operation: "asking for anything", reason: "the host is dead") }
    }
}
