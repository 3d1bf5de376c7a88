import GRDB

extension StoreError {
    /// What an error thrown while the database was used means to the caller of the store.
    init(_ error: any Error, while operation: String) {
        switch error {
        case let error as StoreError:
            self = error
        case let error as DatabaseError:
            self.init(code: Code(error), operation: operation, reason: error.description)
        case is CancellationError:
            self.init(code: .cancelled, operation: operation, reason: "the task was cancelled")
        case let error as UndecodableColumn:
            self.init(code: .corrupt, operation: operation, reason: error.description)
        default:
            self.init(code: .unavailable, operation: operation, reason: String(describing: error))
        }
    }
}

extension StoreError.Code {
    init(_ error: DatabaseError) {
        switch error.resultCode {
        case .SQLITE_FULL:
            self = .diskFull
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self = .corrupt
        case .SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_IOERR, .SQLITE_CANTOPEN, .SQLITE_PROTOCOL, .SQLITE_READONLY,
            .SQLITE_PERM, .SQLITE_NOMEM:
            self = .unavailable
        case .SQLITE_INTERRUPT, .SQLITE_ABORT:
            self = .cancelled
        default:
            self = .rejected
        }
    }
}
