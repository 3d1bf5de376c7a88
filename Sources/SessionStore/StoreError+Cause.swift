/// An error from below that knows what it means to the caller of the store.
protocol StoreErrorCause: Error, CustomStringConvertible {
    var code: StoreError.Code { get }
}

extension PostgresFailure: StoreErrorCause {}

extension UndecodableColumn: StoreErrorCause {
    var code: StoreError.Code { .corrupt }
}

extension StoreError {
    static func closed(while operation: String) -> StoreError {
        StoreError(code: .closed, operation: operation, reason: "the store is closed")
    }

    /// What an error thrown while the database was used means to the caller of the store.
    init(_ error: any Error, while operation: String) {
        switch error {
        case let error as StoreError:
            self = error
        case is CancellationError:
            self.init(code: .cancelled, operation: operation, reason: "the task was cancelled")
        case let error as any StoreErrorCause:
            self.init(code: error.code, operation: operation, reason: error.description)
        default:
            self.init(code: .unavailable, operation: operation, reason: String(describing: error))
        }
    }
}
