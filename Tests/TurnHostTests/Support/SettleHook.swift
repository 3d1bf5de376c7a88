import Synchronization

/// Called in the store's transaction that settles something.
final class SettleHook: Sendable {
    private let body = Mutex<@Sendable () -> Void>({})

    func set(_ body: @escaping @Sendable () -> Void) {
        self.body.withLock { $0 = body }
    }

    func call() {
        body.withLock { $0 }()
    }
}
